import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../shared/user-error.ts'
import { nodeFolder } from './node.ts'
import { failureIn, launch, runningPid, stop, waitUntil } from './processes.ts'

const START_MS = 10_000
const STOP_MS = 2_000

/** The loopback proxy that stands before the emulated HTTP API; everything it writes lies in `folder`. */
export interface Api {
  readonly folder: string
  readonly port: number
  readonly faultsPort: number
}

const pidFile = ({ folder }: Api): string => join(folder, 'api.pid')
const logFile = ({ folder }: Api): string => join(folder, 'api.log')
const targetFile = ({ folder }: Api): string => join(folder, 'api.target')

/** No path and no trailing slash. */
export const apiUrl = ({ port }: Pick<Api, 'port'>): string => `http://127.0.0.1:${port}`

/** The pid of the proxy, if it runs. */
export const apiPid = (api: Api): number | undefined => runningPid(pidFile(api))

/** Where the emulated cloud serves an HTTP API, from the URL that its stack puts out (`https://<id>.execute-api.…`). Throws a Failure. */
export function executeUrl(cloudUrl: string, apiOutput: string): string {
  const id = /^https?:\/\/([a-z0-9]+)\.execute-api\./.exec(apiOutput)?.[1]
  if (!id) throw new UserError(`The stack's output ApiUrl is no HTTP API of the local cloud: ${apiOutput}`)
  return `${cloudUrl}/_aws/execute-api/${id}/$default`
}

/** Starts the proxy, unless it runs before this target. Throws a Failure. */
export async function startApi(api: Api, target: string): Promise<void> {
  const same = existsSync(targetFile(api)) && readFileSync(targetFile(api), 'utf8') === target
  if (same && apiPid(api)) return
  await stopApi(api)
  const args = [join(import.meta.dirname, 'cloud', 'proxy.ts'), String(api.port), String(api.faultsPort), target]
  const command = join(nodeFolder(), 'node')
  await launch({ command, args, env: {}, cwd: api.folder, log: logFile(api), pidFile: pidFile(api) })
  writeFileSync(targetFile(api), target)
  const listening = await waitUntil(async () => (await answers(api)) || !apiPid(api), START_MS)
  if (!listening || !apiPid(api)) throw new UserError(`The local API did not start: ${failureIn(logFile(api))} (${logFile(api)})`)
}

/** Stops the proxy by its pid file. */
export const stopApi = (api: Api): ReturnType<typeof stop> => stop(pidFile(api), STOP_MS)

const answers = (api: Api): Promise<boolean> =>
  fetch(`http://127.0.0.1:${api.faultsPort}`, { method: 'DELETE' }).then(
    response => response.ok,
    () => false,
  )
