import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { UserError } from '../shared/user-error.ts'
import type { Progress } from './cache.ts'
import { type CloudAccess, createCredentials } from './credentials.ts'
import { failureIn } from './log-failure.ts'
import { nodeFolder } from './node.ts'
import { launch, runningPid, stop, waitUntil } from './processes.ts'
import { findPython, installPackages } from './python.ts'
import { writeWhole } from './whole-file.ts'

const START_MS = 60_000
// Saving the state of a few hundred thousand events takes seconds, and a kill would lose the state.
const STOP_MS = 90_000
// Divides Firehose's buffering interval: 60 s become 2 s.
const FIREHOSE_SPEED = '30'

export const ACCOUNT = '000000000000'
export const REGION = 'us-east-1'

/** The emulated cloud. It writes its files to `folder`. */
export interface Cloud {
  readonly folder: string
  readonly port: number
  /** The port of the API, which serves the console. */
  readonly apiPort: number
}

export const cloudUrl = ({ port }: Pick<Cloud, 'port'>): string => `http://127.0.0.1:${port}`

/** The access key of the emulated cloud, and settings that exclude the user's own AWS profile. */
export const cloudEnvironment = ({ endpoint, credentials, certificates }: CloudAccess): Readonly<Record<string, string>> => ({
  AWS_ENDPOINT_URL: endpoint,
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  ...(credentials.sessionToken && { AWS_SESSION_TOKEN: credentials.sessionToken }),
  ...(certificates && { NODE_EXTRA_CA_CERTS: certificates, AWS_CA_BUNDLE: certificates }),
  AWS_REGION: REGION,
  AWS_DEFAULT_REGION: REGION,
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
})

/** The same for an AWS SDK client. */
export const cloudSettings = ({ endpoint, credentials }: CloudAccess) => ({ endpoint, region: REGION, credentials })

/** Installs MiniStack and DuckDB. Returns the folder of the packages. Throws a UserError if that fails. */
export const installMiniStack = (progress: Progress): Promise<string> =>
  installPackages(join(import.meta.dirname, 'cloud', 'requirements.txt'), 'ministack', progress)

export const cloudPidFile = ({ folder }: Cloud): string => join(folder, 'cloud.pid')
export const cloudLogFile = ({ folder }: Cloud): string => join(folder, 'cloud.log')
/** The calls of the functions are recorded as long as this file exists. */
export const cloudCallsFile = ({ folder }: Cloud): string => join(folder, 'calls.jsonl')
const stateFolder = ({ folder }: Cloud): string => join(folder, 'state')

/** The pid of the cloud if it is running. */
export const cloudPid = (cloud: Cloud): number | undefined => runningPid(cloudPidFile(cloud))

/** Whether the cloud ended without saving. Then its state on disk is older than the documents in OpenSearch. */
export const endedUncleanly = (cloud: Cloud): boolean =>
  !cloudPid(cloud) &&
  existsSync(stateFolder(cloud)) &&
  readdirSync(stateFolder(cloud)).length > 0 &&
  !existsSync(join(stateFolder(cloud), 'clean'))

/** Starts the cloud unless it is running, and waits until it responds. Throws a UserError if it does not. */
export async function startCloud(cloud: Cloud, packages: string): Promise<void> {
  if (!cloudPid(cloud)) {
    prepareFolders(cloud)
    const main = join(import.meta.dirname, 'cloud', 'main.py')
    const access = { endpoint: cloudUrl(cloud), credentials: createCredentials(cloud.folder) }
    const env = environment(cloud, access, packages)
    const { command } = await findPython()
    await launch({ command, args: [main], env, cwd: cloud.folder, log: cloudLogFile(cloud), pidFile: cloudPidFile(cloud) })
  }
  const started = await waitUntil(async () => (await cloudResponds(cloudUrl(cloud))) || !cloudPid(cloud), START_MS)
  if (started && cloudPid(cloud)) return
  const problem = cloudPid(cloud) ? `did not respond within ${START_MS / 1000} s` : 'ended during its start'
  throw new UserError(`The local cloud ${problem}: ${failureIn(cloudLogFile(cloud))} (see ${cloudLogFile(cloud)})`)
}

function prepareFolders({ folder }: Cloud): void {
  rmSync(join(folder, 'tmp'), { recursive: true, force: true }) // code of functions that were killed
  for (const name of ['state', 'objects', 'home', 'tmp']) mkdirSync(join(folder, name), { recursive: true })
  // The cloud unpacks functions into tmp. Without this file, the checkout's package.json would make their .js files ES modules.
  writeWhole(join(folder, 'tmp', 'package.json'), '{}')
}

/** Stops the cloud. It saves its state before it ends. */
export const stopCloud = (cloud: Cloud): ReturnType<typeof stop> => stop(cloudPidFile(cloud), STOP_MS)

/** Functions inherit this environment, so it contains no settings of the user. */
const environment = (cloud: Cloud, access: CloudAccess, packages: string): Record<string, string> => ({
  PATH: [nodeFolder(), ...(process.env['PATH'] ?? '/usr/bin:/bin').split(':')].join(':'),
  LANG: 'C.UTF-8',
  PYTHONUTF8: '1',
  HOME: join(cloud.folder, 'home'),
  TMPDIR: join(cloud.folder, 'tmp'),
  PYTHONPATH: packages,
  PYTHONPYCACHEPREFIX: join(cloud.folder, 'home', 'pycache'),
  PYTHONUNBUFFERED: '1',
  ...cloudEnvironment(access),
  GATEWAY_PORT: String(cloud.port),
  API_PORT: String(cloud.apiPort),
  CALLS_FILE: cloudCallsFile(cloud),
  BIND_HOST: '127.0.0.1',
  LOG_LEVEL: 'WARNING',
  PERSIST_STATE: '1',
  STATE_DIR: stateFolder(cloud),
  S3_PERSIST: '1',
  S3_DATA_DIR: join(cloud.folder, 'objects'),
  SFTP_ENABLED: '0',
  IOT_MTLS_ENABLED: '0',
  MINISTACK_REGION: REGION,
  MINISTACK_ACCOUNT_ID: ACCOUNT,
  MILLRACE_FIREHOSE_SPEED: FIREHOSE_SPEED,
})

/** Whether MiniStack responds at this URL. */
async function cloudResponds(url: string): Promise<boolean> {
  const response = await fetch(`${url}/_localstack/health`, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined)
  return response?.ok ?? false
}

/** Renames each folder to `<folder>.unclean` and deletes an older folder of that name. */
export function setAside(folders: readonly string[]): void {
  for (const folder of folders) {
    if (!existsSync(folder)) continue
    rmSync(`${folder}.unclean`, { recursive: true, force: true })
    mkdirSync(dirname(folder), { recursive: true })
    renameSync(folder, `${folder}.unclean`)
  }
}
