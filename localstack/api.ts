import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../shared/user-error.ts'
import type { CloudAccess } from './credentials.ts'
import { failureIn } from './log-failure.ts'
import { nodeFolder } from './node.ts'
import { launch, runningPid, stop, waitUntil } from './processes.ts'
import { writeWhole } from './whole-file.ts'

const START_MS = 10_000
const STOP_MS = 2_000

/** The loopback proxy in front of the emulated HTTP API. It writes its files to `folder`. */
export interface Api {
  readonly folder: string
  /** The path of outputs.json, whose keys the console gets for a code. */
  readonly outputs: string
  readonly port: number
  readonly faultsPort: number
}

export const apiPidFile = ({ folder }: Api): string => join(folder, 'api.pid')
export const apiLogFile = ({ folder }: Api): string => join(folder, 'api.log')
const targetFile = ({ folder }: Api): string => join(folder, 'api.target')

/** The folder of the codes that open the console. */
export const codesFolder = ({ folder }: Pick<Api, 'folder'>): string => join(folder, 'codes')

/** The API's URL, without a path and without a trailing slash. */
export const apiUrl = ({ port }: Pick<Api, 'port'>): string => `http://127.0.0.1:${port}`

/** The pid of the proxy if it is running. */
export const apiPid = (api: Api): number | undefined => runningPid(apiPidFile(api))

/** Where the emulated cloud serves the HTTP API of the stack. */
export interface HttpApi {
  /** Without a trailing slash. */
  readonly url: string
  /** The Host by which the cloud knows the API; absent: any. */
  readonly host?: string
}

/** The URL at which MiniStack and LocalStack serve the HTTP API of the stack output `https://<id>.execute-api.…`; undefined for another output. */
export function executeUrl(cloudUrl: string, apiOutput: string): string | undefined {
  const id = /^https?:\/\/([a-z0-9]+)\.execute-api\./.exec(apiOutput)?.[1]
  return id && `${cloudUrl}/_aws/execute-api/${id}/$default`
}

/** Starts the proxy unless it already runs with this target and this cloud. Throws a UserError if it does not start. */
export async function startApi(api: Api, target: HttpApi, cloud: CloudAccess): Promise<void> {
  const { accessKeyId: accessKey } = cloud.credentials
  const { certificates } = cloud
  const settings = JSON.stringify([target, accessKey, certificates && readFileSync(certificates, 'utf8')])
  const areSame = existsSync(targetFile(api)) && readFileSync(targetFile(api), 'utf8') === settings
  if (areSame && apiPid(api)) return
  await stopApi(api)
  const script = join(import.meta.dirname, 'cloud', 'proxy.ts')
  const args = [script, String(api.port), String(api.faultsPort), target.url, codesFolder(api), api.outputs, target.host ?? '']
  const env = { MILLRACE_ACCESS_KEY: accessKey, ...(certificates && { NODE_EXTRA_CA_CERTS: certificates }) }
  const command = join(nodeFolder(), 'node')
  await launch({ command, args, env, cwd: api.folder, log: apiLogFile(api), pidFile: apiPidFile(api) })
  writeWhole(targetFile(api), settings, 0o600)
  const listening = await waitUntil(async () => (await responds(api, accessKey)) || !apiPid(api), START_MS)
  if (!listening || !apiPid(api))
    throw new UserError(`The local API did not start: ${failureIn(apiLogFile(api))} (${apiLogFile(api)})`)
}

/** Stops the proxy by its pid file. */
export const stopApi = (api: Api): ReturnType<typeof stop> => stop(apiPidFile(api), STOP_MS)

const responds = ({ faultsPort }: Api, accessKey: string): Promise<boolean> =>
  fetch(`http://127.0.0.1:${faultsPort}`, { method: 'DELETE', headers: { authorization: `Bearer ${accessKey}` } }).then(
    response => response.ok,
    () => false,
  )
