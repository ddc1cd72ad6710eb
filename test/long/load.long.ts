import { execFileSync } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import type { SentFile } from '../../cli/demo/independent/lines.ts'
import { rollDice } from '../../cli/simulators/dice.ts'
import { findTarget, type Target } from '../../cli/target.ts'
import { cloudPid } from '../../localstack/ministack.ts'
import { killOpenSearch } from '../../localstack/opensearch.ts'
import { localCloud } from '../../localstack/parts.ts'
import { millrace, millraceJson } from '../fixtures/command.ts'
import { changeEnvironment } from '../fixtures/deployed-functions.ts'
import { splitInto, splitWidest } from '../fixtures/shards.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { differencesFrom, newRun, quarantinedItems, send, simulatedFile, untilSettled, writeLines } from '../fixtures/thread.ts'
import { throttledTable } from '../fixtures/throttled-table.ts'

const MINUTES = 60_000
const SETTLE_SECONDS = 1_200
const SHARDS = 4
/** How many events to send in `SECONDS`. A slower machine takes longer. */
const READINGS = Number(process.env['MILLRACE_LOAD_EVENTS'] ?? 50_000) * 0.8
const VISITS = READINGS / 4
const SECONDS = 60
/** One in this many lines is sent twice, in addition to the 1 % duplicates of the simulators. */
const ONE_IN_SENT_TWICE = 100
const OUTAGE_MS = 30_000
/** A fold that ends without a result for so long is tried event by event. Production waits for minutes. */
const RETRY_BUDGET_SECONDS = '2'
/** The longest time between two kills of the state function. */
const MAX_KILL_INTERVAL_MS = 6_000
const folder = temporaryFolder('load')

test(
  'under load, with OpenSearch down, a shard split, a deployment, partitions throttled, a short retry budget and the state function killed repeatedly: every store holds what the specification says',
  async () => {
    const target = await findTarget(undefined)
    await splitInto(target, SHARDS)
    const table = await throttledTable(target.aws.endpoint ?? '')
    const throttling = { AWS_ENDPOINT_URL_DYNAMODB: table.url }
    const restore = [
      await changeEnvironment(target, 'StateFunction', { ...throttling, RETRY_BUDGET_SECONDS }),
      await changeEnvironment(target, 'WindowsFunction', throttling),
    ]
    const run = newRun(Date.now())
    const files = [
      withDuplicates(await simulatedFile('readings', READINGS, run), run.seed),
      withDuplicates(await simulatedFile('visits', VISITS, run), run.seed),
    ]
    const paths = await Promise.all(files.map(file => writeLines(folder, file)))

    const started = Date.now()
    const killing = killRepeatedly('StateFunction', run.seed)
    const sending = Promise.all(
      files.map((file, i) => send(paths[i] ?? '', file.type, '--rate', String(Math.ceil(file.lines.length / SECONDS)))),
    )
    const outage = openSearchOutage()
    await delay((SECONDS * 1000) / 2)
    await splitWidest(target)
    await deployAgain(target)
    const totals = await sending
    const sentAfter = (Date.now() - started) / 1000
    await outage
    const killed = await killing.stop()
    for (const restoreOne of restore) await restoreOne()
    await table.close()

    expect(totals.map(({ lines }) => lines)).toEqual(files.map(({ lines }) => lines.length))
    expect(killed).toBeGreaterThan(0)
    expect(table.throttled()).toBeGreaterThan(0)
    await untilSettled(SETTLE_SECONDS)
    const replayed = await replayBlamed()
    await untilSettled(SETTLE_SECONDS)
    const settledAfter = (Date.now() - started) / 1000
    expect(await differencesFrom(files, run)).toEqual([])
    console.log(
      `${files.reduce((sum, { lines }) => sum + lines.length, 0)} lines sent in ${sentAfter.toFixed(0)} s, settled after ${settledAfter.toFixed(0)} s; ` +
        `state function killed ${killed} times, ${table.throttled()} reads and writes throttled, ${replayed} events blamed for a kill and replayed, functions replaced one by one, OpenSearch down for ${OUTAGE_MS / 1000} s, ${SHARDS} shards, one of them split; differences: none`,
    )
  },
  40 * MINUTES,
)

/** Repeats some lines later in the file. */
function withDuplicates({ type, lines }: SentFile, seed: number): SentFile {
  const dice = rollDice(seed)
  const positions = lines.flatMap((line, n) => [
    { line, position: n },
    ...(dice.happens(ONE_IN_SENT_TWICE) ? [{ line, position: n + dice.integer(1, Math.floor(lines.length / 10)) }] : []),
  ])
  return { type, lines: positions.sort((a, b) => a.position - b.position).map(({ line }) => line) }
}

/** Replaces the environments of the functions that read a change before the function that writes it, as a deployment does. */
async function deployAgain(target: Target): Promise<void> {
  for (const id of ['SearchIndexDocuments', 'WindowsFunction', 'StateFunction'])
    await changeEnvironment(target, id, { MILLRACE_DEPLOYED: String(Date.now()) })
}

/**
 * Replays the events that were being tried while the state function was killed: they are quarantined and in no state, so that the
 * stores equal a recomputation only if the replay folds each of them once. Returns their number.
 */
async function replayBlamed(): Promise<number> {
  const { items } = await quarantinedItems()
  const blamed = items.filter(({ code }) => code === 'retry_budget_spent').length
  if (blamed === 0) return 0
  expect(await millraceJson('quarantine', 'replay', '--code', 'retry_budget_spent')).toMatchObject({
    replayed: blamed,
    refused: 0,
  })
  return blamed
}

/** Kills OpenSearch and starts it again after the outage. */
async function openSearchOutage(): Promise<void> {
  expect(await killOpenSearch(localCloud().openSearch)).toBe(true)
  await delay(OUTAGE_MS)
  expect((await millrace(['up', '--detach'])).code).toBe(0)
}

/** Kills the processes of a function at random times until `stop` is called. Resolves to the number of killed processes. */
function killRepeatedly(name: string, seed: number): { stop(): Promise<number> } {
  const stopping = new AbortController()
  const dice = rollDice(seed)
  const running = (async () => {
    let killed = 0
    while (!stopping.signal.aborted) {
      await delay(dice.integer(500, MAX_KILL_INTERVAL_MS), undefined, { signal: stopping.signal }).catch(() => undefined)
      killed += killProcesses(name)
    }
    return killed
  })()
  return {
    stop: () => {
      stopping.abort()
      return running
    },
  }
}

/** Kills the function's processes. They are children of the local cloud and run in a folder with the function's name. */
function killProcesses(name: string): number {
  const cloud = cloudPid(localCloud().cloud)
  const processes = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n')
  const matching = processes
    .map(line => line.trim().split(/\s+/))
    .filter(([, parent, ...args]) => Number(parent) === cloud && args.join(' ').includes(name))
  for (const [pid] of matching) process.kill(Number(pid), 'SIGKILL')
  return matching.length
}
