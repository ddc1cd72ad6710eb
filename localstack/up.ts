import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { Listr, type ListrTask } from 'listr2'
import type { LocalOutputs, StackOutputs } from '../shared/outputs.ts'
import { UserError } from '../shared/user-error.ts'
import { apiPid, executeUrl, startApi } from './api.ts'
import type { Progress } from './cache.ts'
import { deploy } from './deploy.ts'
import {
  cloudAnswers,
  cloudPid,
  cloudSettings,
  cloudUrl,
  endedUncleanly,
  installMiniStack,
  moveAside,
  startCloud,
} from './ministack.ts'
import {
  installOpenSearch,
  type OpenSearch,
  openSearchAnswers,
  openSearchPid,
  openSearchUrl,
  startOpenSearch,
  stopOpenSearch,
} from './opensearch.ts'
import { writeOutputs } from './outputs.ts'
import { type LocalCloud, outputsFile, parts } from './parts.ts'
import { requireFree } from './ports.ts'
import { findPython } from './python.ts'

/** How long the set-up function may take; its first call includes a cold start. */
const SET_UP_MS = 120_000
/** Without a terminal progress is one line in so long. */
const QUIET_MS = 5_000

/** What the tasks hand on. */
interface Findings {
  /** The parts that are ours to start; the others run elsewhere. */
  owned: { cloud: boolean; openSearch: boolean }
  packages: string
  openSearch: OpenSearch
  stack: StackOutputs
  outputs: LocalOutputs
}

/**
 * Brings the local cloud up as far as it is not: programs, processes, stack, keys and `outputs.json`. With `elsewhere`,
 * the URL of a LocalStack-compatible cloud that runs already, no cloud is started, and no OpenSearch either where one
 * answers on its port. Throws a Failure.
 */
export async function up(local: LocalCloud, elsewhere?: string): Promise<LocalOutputs> {
  const endpoint = elsewhere ?? cloudUrl(local.cloud)
  const folder = elsewhere === undefined ? local.cloud.folder : join(local.folder, 'elsewhere')
  const tasks: ListrTask<Findings>[] = [
    {
      title: 'Check Python, ports and what the last run left',
      task: async found => {
        found.owned = await check(local, elsewhere)
      },
    },
    {
      title: 'Fetch the cloud and OpenSearch, once',
      task: ({ owned }, task) => task.newListr(fetching(owned), { concurrent: true }),
    },
    { title: 'Start them', task: ({ owned }, task) => task.newListr(starting(local, owned), { concurrent: true }) },
    {
      title: 'Deploy the stack',
      task: async (found, task) => {
        found.stack = await deploy({ endpoint, openSearchUrl: openSearchUrl(local.openSearch), folder }, shown(task))
      },
    },
    { title: 'Open the API', task: ({ stack }) => startApi(local.api, executeUrl(endpoint, stack.ApiUrl)) },
    {
      title: 'Set up search and keys, write outputs.json',
      task: async found => {
        await setUp(endpoint, found.stack.SetUpFunction)
        found.outputs = await writeOutputs(local, endpoint, found.stack, folder)
      },
    },
  ]
  const { outputs } = await new Listr<Findings>(tasks, {
    ctx: {} as Findings,
    registerSignalListeners: false,
    // The command line shows the error, once.
    rendererOptions: { showErrorMessage: false },
    fallbackRenderer: 'simple',
  }).run()
  return outputs
}

/** Stops every part that runs; returns a line for each. */
export async function down(local: LocalCloud): Promise<string[]> {
  rmSync(outputsFile(local), { force: true })
  const lines: string[] = []
  for (const { name, stop } of parts) {
    const ended = await stop(local)
    lines.push(ended === 'killed' ? `${name}: did not stop in time and was killed` : `${name}: ${ended}`)
  }
  return lines
}

async function check(local: LocalCloud, elsewhere: string | undefined): Promise<Findings['owned']> {
  if (elsewhere !== undefined) await requireCloud(elsewhere)
  await findPython()
  const cloud = elsewhere === undefined
  if (cloud && endedUncleanly(local.cloud)) await startAfresh(local)
  const openSearch = cloud || openSearchPid(local.openSearch) !== undefined || !(await openSearchAnswers(local.openSearch))
  if (!apiPid(local.api)) await requireFree(local.ports, ['api', 'faults'])
  if (cloud && !cloudPid(local.cloud)) await requireFree(local.ports, ['cloud'])
  if (openSearch && !openSearchPid(local.openSearch)) await requireFree(local.ports, ['openSearch', 'openSearchTransport'])
  return { cloud, openSearch }
}

/** `--cloud` must never lead to a real account. */
async function requireCloud(url: string): Promise<void> {
  if (!/^https?:\/\/[^/]+$/.test(url) || /amazonaws\./.test(url)) {
    throw new UserError(`--cloud takes the URL of a local cloud without a path, like http://127.0.0.1:4566, not ${url}.`)
  }
  if (!(await cloudAnswers(url))) throw new UserError(`No cloud answers at ${url}: start it first, or leave --cloud out.`)
}

/** A cloud that did not save its end is older than what OpenSearch shows: neither can be trusted, both begin empty. */
async function startAfresh(local: LocalCloud): Promise<void> {
  await stopOpenSearch(local.openSearch)
  moveAside([local.cloud.folder, local.openSearch.folder])
  console.error(`The local cloud did not stop cleanly: it begins empty, what was there lies in ${local.cloud.folder}.unclean.`)
}

const fetching = (owned: Findings['owned']): ListrTask<Findings>[] => [
  {
    title: 'MiniStack and DuckDB (Python packages, 40 MB)',
    enabled: owned.cloud,
    task: async (found, task) => {
      found.packages = await installMiniStack(shown(task))
    },
  },
  {
    title: 'OpenSearch and Java (200 MB)',
    enabled: owned.openSearch,
    task: async (found, task) => {
      found.openSearch = await installOpenSearch(shown(task))
    },
  },
]

const starting = (local: LocalCloud, owned: Findings['owned']): ListrTask<Findings>[] => [
  { title: 'Cloud', enabled: owned.cloud, task: ({ packages }) => startCloud(local.cloud, packages) },
  { title: 'OpenSearch', enabled: owned.openSearch, task: ({ openSearch }) => startOpenSearch(local.openSearch, openSearch) },
]

/** Progress below a task; without a terminal a line at times, not one for each step. */
function shown(task: { output: string }): Progress {
  let last = 0
  return words => {
    if (!process.stdout.isTTY && Date.now() - last < QUIET_MS) return
    last = Date.now()
    task.output = words
  }
}

/** Invokes the function that puts mappings and templates into OpenSearch. */
async function setUp(endpoint: string, name: string): Promise<void> {
  const client = new LambdaClient({ ...cloudSettings(endpoint), maxAttempts: 1 })
  const call = new InvokeCommand({ FunctionName: name })
  const answer = await client.send(call, { abortSignal: AbortSignal.timeout(SET_UP_MS) })
  if (answer.FunctionError) throw new UserError(`The set-up function failed: ${Buffer.from(answer.Payload ?? []).toString()}`)
}
