import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { SentFile } from '../../cli/demo/independent/lines.ts'
import { rollDice } from '../../cli/simulators/dice.ts'
import { findTarget } from '../../cli/target.ts'
import { cloudPid } from '../../localstack/ministack.ts'
import { killOpenSearch } from '../../localstack/opensearch.ts'
import { localCloud } from '../../localstack/parts.ts'
import { millrace } from '../fixtures/command.ts'
import { openShards, splitWidest } from '../fixtures/shards.ts'
import { differencesFrom, newRun, quarantined, send, settled, simulatedFile, store } from '../fixtures/thread.ts'

const MINUTES = 60_000
const SETTLE_SECONDS = 1_200
const SHARDS = 4
/** Events, and the seconds in which they are to be sent: what the machine cannot take in them takes it longer. */
const READINGS = Number(process.env['MILLRACE_LOAD_EVENTS'] ?? 50_000) * 0.8
const VISITS = READINGS / 4
const SECONDS = 60
/** One line in so many is sent again, beside the one in a hundred of the simulators. */
const AGAIN = 100
const OUTAGE_MS = 30_000
const LONGEST_LIFE_MS = 6_000

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-load-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test(
  'under load, with OpenSearch away, a shard split and the state function killed again and again: every store holds what the specification says',
  async () => {
    const target = await findTarget(undefined)
    while ((await openShards(target)).length < SHARDS) await splitWidest(target)
    const run = newRun(Date.now())
    const before = await quarantined()
    const files = [
      again(await simulatedFile('readings', READINGS, run), run.seed),
      again(await simulatedFile('visits', VISITS, run), run.seed),
    ]
    const paths = await Promise.all(files.map(sent => store(folder, sent)))

    const started = Date.now()
    const killing = killNowAndThen('StateFunction', run.seed)
    const sending = Promise.all(
      files.map((sent, i) => send(paths[i] ?? '', sent.type, '--rate', String(Math.ceil(sent.lines.length / SECONDS)))),
    )
    const outage = openSearchAway()
    await delay((SECONDS * 1000) / 2)
    await splitWidest(target)
    const totals = await sending
    const sentAfter = (Date.now() - started) / 1000
    await outage
    const killed = await killing.end()

    expect(totals.map(({ lines }) => lines)).toEqual(files.map(({ lines }) => lines.length))
    expect(killed).toBeGreaterThan(0)
    expect(await settled(SETTLE_SECONDS)).toMatchObject({ settled: true })
    const settledAfter = (Date.now() - started) / 1000
    expect(await differencesFrom(files, run, before)).toEqual([])
    console.log(
      `${files.reduce((sum, { lines }) => sum + lines.length, 0)} lines sent in ${sentAfter.toFixed(0)} s, settled after ${settledAfter.toFixed(0)} s; ` +
        `state function killed ${killed} times, OpenSearch away ${OUTAGE_MS / 1000} s, shards ${SHARDS} and one split; differences: none`,
    )
  },
  40 * MINUTES,
)

/** Sends some lines once more, a while after they came first. */
function again({ type, lines }: SentFile, seed: number): SentFile {
  const dice = rollDice(seed)
  const places = lines.flatMap((line, n) => [
    { line, place: n },
    ...(dice.happens(AGAIN) ? [{ line, place: n + dice.integer(1, Math.floor(lines.length / 10)) }] : []),
  ])
  return { type, lines: places.sort((a, b) => a.place - b.place).map(({ line }) => line) }
}

/** Kills OpenSearch and brings it back after the outage. */
async function openSearchAway(): Promise<void> {
  expect(await killOpenSearch(localCloud().openSearch)).toBe(true)
  await delay(OUTAGE_MS)
  expect((await millrace(['up', '--detach'])).code).toBe(0)
}

/** Kills the process of a function at random moments, until it is ended; resolves to how often there was one to kill. */
function killNowAndThen(name: string, seed: number): { end(): Promise<number> } {
  const ending = new AbortController()
  const dice = rollDice(seed)
  const running = (async () => {
    let killed = 0
    while (!ending.signal.aborted) {
      await delay(dice.integer(500, LONGEST_LIFE_MS), undefined, { signal: ending.signal }).catch(() => undefined)
      killed += killProcesses(name)
    }
    return killed
  })()
  return {
    end: () => {
      ending.abort()
      return running
    },
  }
}

/** The local cloud runs each function in processes of its own, in a folder that has the function's name. */
function killProcesses(name: string): number {
  const cloud = cloudPid(localCloud().cloud)
  const processes = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n')
  const own = processes
    .map(line => line.trim().split(/\s+/))
    .filter(([, parent, ...args]) => Number(parent) === cloud && args.join(' ').includes(name))
  for (const [pid] of own) process.kill(Number(pid), 'SIGKILL')
  return own.length
}
