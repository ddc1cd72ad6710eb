import { join, resolve } from 'node:path'
import { type Api, apiLogFile, apiPidFile, stopApi } from './api.ts'
import { failureIn } from './log-failure.ts'
import { type Cloud, cloudLogFile, cloudPidFile, stopCloud } from './ministack.ts'
import { type Node, openSearchLogFile, openSearchPidFile, stopOpenSearch } from './opensearch.ts'
import { type Ports, readPorts } from './ports.ts'
import { hasEnded, runningPid, type StopResult } from './processes.ts'

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
  cloud: { folder: resolve(folder, 'cloud'), port: ports.cloud, apiPort: ports.api },
  openSearch: { folder: resolve(folder, 'opensearch'), port: ports.openSearch, transportPort: ports.openSearchTransport },
  api: { folder: resolve(folder, 'api'), outputs: resolve(folder, 'outputs.json'), port: ports.api, faultsPort: ports.faults },
})

/** The path of `outputs.json`, which the commands read to find the local cloud. */
export const outputsFile = ({ folder }: Pick<LocalCloud, 'folder'>): string => join(folder, 'outputs.json')

/** The lock of the process that starts the parts. */
export const lockFile = ({ folder }: Pick<LocalCloud, 'folder'>): string => join(folder, 'up.lock')

interface Part {
  readonly name: string
  readonly pid: (local: LocalCloud) => number | undefined
  readonly stop: (local: LocalCloud) => Promise<StopResult>
  /** A sentence on why the part has ended; undefined if it is running or was stopped. */
  readonly failure: (local: LocalCloud) => string | undefined
}

const partOf = (
  name: string,
  pidFile: (local: LocalCloud) => string,
  log: (local: LocalCloud) => string,
  stop: Part['stop'],
): Part => ({
  name,
  pid: local => runningPid(pidFile(local)),
  failure: local =>
    hasEnded(pidFile(local)) ? `${name} ended unexpectedly: ${failureIn(log(local))} (see ${log(local)}).` : undefined,
  stop,
})

/** In stop order: first the API, so that no request arrives, then the cloud with its functions, then their store. */
export const parts: readonly Part[] = [
  partOf(
    'API',
    ({ api }) => apiPidFile(api),
    ({ api }) => apiLogFile(api),
    ({ api }) => stopApi(api),
  ),
  partOf(
    'cloud',
    ({ cloud }) => cloudPidFile(cloud),
    ({ cloud }) => cloudLogFile(cloud),
    ({ cloud }) => stopCloud(cloud),
  ),
  partOf(
    'OpenSearch',
    ({ openSearch }) => openSearchPidFile(openSearch),
    ({ openSearch }) => openSearchLogFile(openSearch),
    ({ openSearch }) => stopOpenSearch(openSearch),
  ),
]

/** What ended unexpectedly and why, a sentence for each part. */
export const failuresOf = (local: LocalCloud): string[] => parts.flatMap(({ failure }) => failure(local) ?? [])
