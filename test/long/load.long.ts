import { execFileSync } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import type { SentFile } from '../../cli/demo/independent/lines.ts'
import { rollDice } from '../../cli/simulators/dice.ts'
import { findTarget } from '../../cli/target.ts'
import { cloudPid } from '../../localstack/ministack.ts'
import { killOpenSearch } from '../../localstack/opensearch.ts'
import { localCloud } from '../../localstack/parts.ts'
import { millrace } from '../fixtures/command.ts'
import { splitInto, splitWidest } from '../fixtures/shards.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { differencesFrom, newRun, quarantineTotal, send, simulatedFile, untilSettled, writeLines } from '../fixtures/thread.ts'

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
/** The longest time between two kills of the state function. */
const MAX_KILL_INTERVAL_MS = 6_000
const folder = temporaryFolder('load')

test(
  'under load, with OpenSearch down, a shard split and the state function killed repeatedly: every store holds what the specification says',
  async () => {
    const target = await findTarget(undefined)
    await splitInto(target, SHARDS)
    const run = newRun(Date.now())
    const quarantinedBefore = await quarantineTotal()
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
    const totals = await sending
    const sentAfter = (Date.now() - started) / 1000
    await outage
    const killed = await killing.stop()

    expect(totals.map(({ lines }) => lines)).toEqual(files.map(({ lines }) => lines.length))
    expect(killed).toBeGreaterThan(0)
    await untilSettled(SETTLE_SECONDS)
    const settledAfter = (Date.now() - started) / 1000
    expect(await differencesFrom(files, run, quarantinedBefore)).toEqual([])
    console.log(
      `${files.reduce((sum, { lines }) => sum + lines.length, 0)} lines sent in ${sentAfter.toFixed(0)} s, settled after ${settledAfter.toFixed(0)} s; ` +
        `state function killed ${killed} times, OpenSearch down for ${OUTAGE_MS / 1000} s, ${SHARDS} shards, one of them split; differences: none`,
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
