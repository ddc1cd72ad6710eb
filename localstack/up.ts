import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { Listr, type ListrTask } from 'listr2'
import { requireSoundCatalogue } from '../catalogue/check.ts'
import type { LocalOutputs, StackOutputs } from '../shared/outputs.ts'
import { UserError } from '../shared/user-error.ts'
import { executeUrl, type HttpApi, startApi } from './api.ts'
import { cacheFolder } from './cache.ts'
import { type CloudAccess, readCredentials } from './credentials.ts'
import { deploy } from './deploy.ts'
import type { Emulator } from './emulator/emulator.ts'
import { findHttpApi } from './emulator/http-api.ts'
import { withLock } from './lock.ts'
import { ACCOUNT, cloudSettings, cloudUrl, endedUncleanly, installMiniStack, setAside, startCloud } from './ministack.ts'
import {
  installOpenSearch,
  type OpenSearch,
  openSearchPid,
  openSearchResponds,
  openSearchUrl,
  startOpenSearch,
  stopOpenSearch,
} from './opensearch.ts'
import { writeOutputs } from './outputs.ts'
import { type LocalCloud, lockFile, outputsFile, parts } from './parts.ts'
import { requireFree } from './ports.ts'
import { neededPorts } from './prerequisites.ts'
import { keepPrivate } from './private-files.ts'
import type { StopResult } from './processes.ts'
import { findPython } from './python.ts'
import { rendering, shown } from './task-progress.ts'

/** Time limit of the set-up function, including a cold start. */
const SET_UP_MS = 120_000

/** Results that tasks pass to later tasks. */
interface TaskContext {
  /** The parts that this command must start; the others already run elsewhere. */
  owned: { cloud: boolean; openSearch: boolean }
  packages: string
  openSearch: OpenSearch
  stack: StackOutputs
  outputs: LocalOutputs
}

interface UpOptions {
  /** The URL of an emulator that already runs on this machine: then no cloud is started, and no OpenSearch if one responds on its port. */
  readonly elsewhere?: string | undefined
  /** Print the progress on standard error: standard output has only the result of the command. */
  readonly json?: boolean | undefined
}

/**
 * Starts all parts of the local cloud that do not run yet: programs, processes, stack, keys and `outputs.json`.
 * Waits while another process starts them. Throws a UserError if a part does not start; then stops what it has started.
 */
export function up(local: LocalCloud, options: UpOptions = {}): Promise<LocalOutputs> {
  keepPrivate(local.folder, cacheFolder())
  return withLock(lockFile(local), reportStarter, async () => {
    const stopped = parts.filter(({ pid }) => pid(local) === undefined)
    try {
      return await startParts(local, options)
    } catch (error) {
      for (const { stop } of stopped) await stop(local)
      throw error
    }
  })
}

const reportStarter = (pid: number): void =>
  console.error(`Process ${pid} is already starting the local cloud. Waiting until it has finished…`)

async function startParts(local: LocalCloud, { elsewhere, json = false }: UpOptions): Promise<LocalOutputs> {
  const folder = elsewhere === undefined ? local.cloud.folder : join(local.folder, 'elsewhere')
  const emulator = elsewhere === undefined ? undefined : await ask(elsewhere, folder)
  for (const note of emulator?.notes ?? []) console.error(note)
  // The cloud creates its access key when it starts.
  const access = (): CloudAccess =>
    emulator?.access ?? { endpoint: cloudUrl(local.cloud), credentials: readCredentials(local.cloud.folder) }
  const tasks: ListrTask<TaskContext>[] = [
    {
      title: 'Check the catalogue, Python, ports and the state of the last run',
      task: async context => {
        await requireSoundCatalogue()
        context.owned = await check(local, emulator)
      },
    },
    {
      title: 'Download the cloud and OpenSearch (first run only)',
      task: ({ owned }, task) => task.newListr(fetching(owned), { concurrent: true }),
    },
    {
      title: 'Start the cloud and OpenSearch',
      task: ({ owned }, task) => task.newListr(starting(local, owned), { concurrent: true }),
    },
    {
      title: 'Deploy the stack',
      task: async (context, task) => {
        const { account = ACCOUNT, leftOut = [] } = emulator ?? {}
        const opensearch = openSearchUrl(local.openSearch)
        context.stack = await deploy({ cloud: access(), account, leftOut, openSearchUrl: opensearch, folder }, shown(task))
      },
    },
    {
      title: 'Start the API',
      task: async ({ stack }) => startApi(local.api, await httpApiOf(access(), stack, emulator), access()),
    },
    {
      title: 'Set up OpenSearch, create keys, write outputs.json',
      task: async context => {
        const hint =
          emulator &&
          `Its functions must reach ${openSearchUrl(local.openSearch)}: run their containers in the network of this machine.`
        await setUp(access(), context.stack.SetUpFunction, hint)
        context.outputs = await writeOutputs(local, access(), context.stack, folder)
      },
    },
  ]
  const { outputs } = await new Listr<TaskContext>(tasks, {
    ctx: {} as TaskContext, // the tasks set the fields, in order
    registerSignalListeners: false,
    ...rendering(json),
  }).run()
  return outputs
}

/** Loads the clients of all services for `--cloud` only. */
async function ask(elsewhere: string, folder: string): Promise<Emulator> {
  const { findEmulator } = await import('./emulator/emulator.ts')
  return findEmulator(elsewhere, folder, process.env)
}

interface EndedPart {
  readonly name: string
  readonly result: StopResult
}

/** Stops all parts. */
export async function down(local: LocalCloud): Promise<EndedPart[]> {
  rmSync(outputsFile(local), { force: true })
  const ended: EndedPart[] = []
  for (const { name, stop } of parts) ended.push({ name, result: await stop(local) })
  return ended
}

export const endedLine = ({ name, result }: EndedPart): string =>
  `${name}: ${result === 'killed' ? 'did not stop in time and was killed' : result}`

async function check(local: LocalCloud, emulator: Emulator | undefined): Promise<TaskContext['owned']> {
  await findPython()
  const cloud = emulator === undefined
  if (cloud && endedUncleanly(local.cloud)) await reset(local)
  const openSearch = cloud || openSearchPid(local.openSearch) !== undefined || !(await openSearchResponds(local.openSearch))
  await requireFree(local.ports, neededPorts(local, { cloud, openSearch }))
  return { cloud, openSearch }
}

/** Where the cloud serves the HTTP API. Another emulator is asked, the own cloud is known. Throws a UserError. */
async function httpApiOf(
  { endpoint, credentials }: CloudAccess,
  { ApiUrl }: StackOutputs,
  emulator: Emulator | undefined,
): Promise<HttpApi> {
  if (emulator) return findHttpApi(endpoint, ApiUrl, credentials.accessKeyId)
  const url = executeUrl(endpoint, ApiUrl)
  if (url) return { url }
  throw new UserError(
    `The stack output ApiUrl is not an HTTP API of the local cloud: ${ApiUrl}. Delete the data with \`npx millrace reset\`, and start it again.`,
  )
}

/** Resets the cloud and OpenSearch. A cloud that ended without saving is older than the documents in OpenSearch, so both start empty. */
async function reset(local: LocalCloud): Promise<void> {
  await stopOpenSearch(local.openSearch)
  setAside([local.cloud.folder, local.openSearch.folder])
  console.error(`The local cloud did not stop cleanly and starts empty. Its old state is in ${local.cloud.folder}.unclean.`)
}

const fetching = (owned: TaskContext['owned']): ListrTask<TaskContext>[] => [
  {
    title: 'MiniStack and DuckDB (Python packages, 40 MB)',
    enabled: owned.cloud,
    task: async (context, task) => {
      context.packages = await installMiniStack(shown(task))
    },
  },
  {
    title: 'OpenSearch and Java (200 MB)',
    enabled: owned.openSearch,
    task: async (context, task) => {
      context.openSearch = await installOpenSearch(shown(task))
    },
  },
]

const starting = (local: LocalCloud, owned: TaskContext['owned']): ListrTask<TaskContext>[] => [
  { title: 'Cloud', enabled: owned.cloud, task: ({ packages }) => startCloud(local.cloud, packages) },
  { title: 'OpenSearch', enabled: owned.openSearch, task: ({ openSearch }) => startOpenSearch(local.openSearch, openSearch) },
]

/** Invokes the function that creates mappings and templates in OpenSearch. Throws a UserError, with the hint, if it fails. */
async function setUp(cloud: CloudAccess, name: string, hint: string | undefined): Promise<void> {
  const client = new LambdaClient({ ...cloudSettings(cloud), maxAttempts: 1 })
  const call = new InvokeCommand({ FunctionName: name })
  const result = await client.send(call, { abortSignal: AbortSignal.timeout(SET_UP_MS) })
  if (!result.FunctionError) return
  throw new UserError(
    [`The set-up function failed: ${Buffer.from(result.Payload ?? []).toString()}`, hint].filter(Boolean).join(' '),
  )
}
