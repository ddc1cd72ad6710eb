import { join, resolve } from 'node:path'
import { type Api, apiPid, stopApi } from './api.ts'
import { type Cloud, cloudPid, stopCloud } from './ministack.ts'
import { type Node, openSearchPid, stopOpenSearch } from './opensearch.ts'
import { type Ports, readPorts } from './ports.ts'

/** The local cloud of one folder: its parts and their ports. */
export interface LocalCloud {
  readonly folder: string
  readonly ports: Ports
  readonly cloud: Cloud
  readonly openSearch: Node
  readonly api: Api
}

/** The local cloud of this checkout, or of another folder, for tests. */
export const localCloud = (folder = '.millrace', ports = readPorts()): LocalCloud => ({
  folder: resolve(folder),
  ports,
  cloud: { folder: resolve(folder, 'cloud'), port: ports.cloud },
  openSearch: { folder: resolve(folder, 'opensearch'), port: ports.openSearch, transportPort: ports.openSearchTransport },
  api: { folder: resolve(folder, 'api'), port: ports.api, faultsPort: ports.faults },
})

/** The path of `outputs.json`, which the commands read to find the local cloud. */
export const outputsFile = ({ folder }: Pick<LocalCloud, 'folder'>): string => join(folder, 'outputs.json')

interface Part {
  readonly name: string
  readonly pid: (local: LocalCloud) => number | undefined
  readonly stop: (local: LocalCloud) => Promise<'stopped' | 'killed' | 'not running'>
  readonly log: (local: LocalCloud) => string
}

/** In stop order: first the API, so that no request arrives, then the cloud with its functions, then their store. */
export const parts: readonly Part[] = [
  { name: 'API', pid: ({ api }) => apiPid(api), stop: ({ api }) => stopApi(api), log: ({ api }) => join(api.folder, 'api.log') },
  {
    name: 'cloud',
    pid: ({ cloud }) => cloudPid(cloud),
    stop: ({ cloud }) => stopCloud(cloud),
    log: ({ cloud }) => join(cloud.folder, 'cloud.log'),
  },
  {
    name: 'OpenSearch',
    pid: ({ openSearch }) => openSearchPid(openSearch),
    stop: ({ openSearch }) => stopOpenSearch(openSearch),
    log: ({ openSearch }) => join(openSearch.folder, 'opensearch.log'),
  },
]
