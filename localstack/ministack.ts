import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { UserError } from '../shared/user-error.ts'
import type { Progress } from './cache.ts'
import { nodeFolder } from './node.ts'
import { failureIn, launch, runningPid, stop, waitUntil } from './processes.ts'
import { findPython, installPackages } from './python.ts'

const START_MS = 60_000
// Saving the state of a few hundred thousand events takes seconds; a kill would lose it.
const STOP_MS = 90_000
// A buffering interval of 60 s delivers after 2.
const FIREHOSE_SPEED = '30'

export const ACCOUNT = '000000000000'
export const REGION = 'us-east-1'

/** The emulated cloud; everything it writes lies in `folder`. */
export interface Cloud {
  readonly folder: string
  readonly port: number
}

export const cloudUrl = ({ port }: Pick<Cloud, 'port'>): string => `http://127.0.0.1:${port}`

/** Credentials that only the emulated cloud takes, and the settings that keep a person's own AWS profile out of it. */
export const cloudEnvironment = (endpoint: string): Readonly<Record<string, string>> => ({
  AWS_ENDPOINT_URL: endpoint,
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  AWS_REGION: REGION,
  AWS_DEFAULT_REGION: REGION,
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
})

/** The same for an AWS SDK client. */
export const cloudSettings = (endpoint: string) => ({
  endpoint,
  region: REGION,
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
})

/** Fetches MiniStack and DuckDB; returns the folder of the packages. Throws a Failure. */
export const installMiniStack = (progress: Progress): Promise<string> =>
  installPackages(join(import.meta.dirname, 'cloud', 'requirements.txt'), 'ministack', progress)

const pidFile = ({ folder }: Cloud): string => join(folder, 'cloud.pid')
const logFile = ({ folder }: Cloud): string => join(folder, 'cloud.log')
const stateFolder = ({ folder }: Cloud): string => join(folder, 'state')

/** The pid of the cloud, if it runs. */
export const cloudPid = (cloud: Cloud): number | undefined => runningPid(pidFile(cloud))

/** Whether the cloud ended without saving: what it holds on disk is older than what OpenSearch has. */
export const endedUncleanly = (cloud: Cloud): boolean =>
  !cloudPid(cloud) &&
  existsSync(stateFolder(cloud)) &&
  readdirSync(stateFolder(cloud)).length > 0 &&
  !existsSync(join(stateFolder(cloud), 'clean'))

/** Starts the cloud, unless it runs, and waits until it answers. Throws a Failure. */
export async function startCloud(cloud: Cloud, packages: string): Promise<void> {
  if (!cloudPid(cloud)) {
    prepareFolders(cloud)
    const main = join(import.meta.dirname, 'cloud', 'main.py')
    const env = environment(cloud, packages)
    const { command } = await findPython()
    await launch({ command, args: [main], env, cwd: cloud.folder, log: logFile(cloud), pidFile: pidFile(cloud) })
  }
  const answered = await waitUntil(async () => (await cloudAnswers(cloudUrl(cloud))) || !cloudPid(cloud), START_MS)
  if (answered && cloudPid(cloud)) return
  const said = cloudPid(cloud) ? `does not answer within ${START_MS / 1000} s` : 'ended at its start'
  throw new UserError(`The local cloud ${said}: ${failureIn(logFile(cloud))} (${logFile(cloud)})`)
}

function prepareFolders({ folder }: Cloud): void {
  rmSync(join(folder, 'tmp'), { recursive: true, force: true }) // code of functions that were killed
  for (const made of ['state', 'objects', 'home', 'tmp']) mkdirSync(join(folder, made), { recursive: true })
  // Functions are unpacked there; without this the checkout's package.json would make their .js files ES modules.
  writeFileSync(join(folder, 'tmp', 'package.json'), '{}')
}

/** Stops the cloud by its pid file; it saves its state first. */
export const stopCloud = (cloud: Cloud): ReturnType<typeof stop> => stop(pidFile(cloud), STOP_MS)

/** Its functions inherit this environment, so it holds nothing of the person's. */
const environment = (cloud: Cloud, packages: string): Record<string, string> => ({
  PATH: [nodeFolder(), ...(process.env['PATH'] ?? '/usr/bin:/bin').split(':')].join(':'),
  LANG: 'C.UTF-8',
  HOME: join(cloud.folder, 'home'),
  TMPDIR: join(cloud.folder, 'tmp'),
  PYTHONPATH: packages,
  PYTHONPYCACHEPREFIX: join(cloud.folder, 'home', 'pycache'),
  PYTHONUNBUFFERED: '1',
  ...cloudEnvironment(cloudUrl(cloud)),
  GATEWAY_PORT: String(cloud.port),
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

/** Whether a cloud answers at this URL; LocalStack and MiniStack share the path. */
export async function cloudAnswers(url: string): Promise<boolean> {
  const response = await fetch(`${url}/_localstack/health`, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined)
  return response?.ok ?? false
}

/** Moves the folders aside as `<folder>.unclean`, instead of what lay there. */
export function moveAside(folders: readonly string[]): void {
  for (const folder of folders) {
    if (!existsSync(folder)) continue
    rmSync(`${folder}.unclean`, { recursive: true, force: true })
    mkdirSync(dirname(folder), { recursive: true })
    renameSync(folder, `${folder}.unclean`)
  }
}
