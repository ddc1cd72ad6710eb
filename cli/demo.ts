import { rm } from 'node:fs/promises'
import type { Command } from 'commander'
import { type LocalCloud, localCloud, parts } from '../localstack/parts.ts'
import { down, up } from '../localstack/up.ts'
import { UserError } from '../shared/user-error.ts'
import { differences } from './demo/independent/compare.ts'
import type { SentFile } from './demo/independent/lines.ts'
import { type Expected, recompute } from './demo/independent/recompute.ts'
import { type Published, readStores } from './demo/stores.ts'
import { type DemoResult, summarise } from './demo/summary.ts'
import { showProgress } from './progress.ts'
import { runReport } from './report.ts'
import { realRuntime } from './send.ts'
import { sendLines, simulatedLines } from './simulate.ts'
import { rollDice } from './simulators/dice.ts'
import { disturb } from './simulators/disturb.ts'
import { simulators } from './simulators/simulators.ts'
import { settle, statusReader } from './status.ts'
import { localTarget, type Target } from './target.ts'
import { watchUntilInterrupted } from './up.ts'

/** What is simulated: enough readings for the report, which wants 200 of a device, and enough for the eye of everything else. */
const COUNTS = { visits: 1_000, actions: 1_000, users: 600, interactions: 400, readings: 6_000 }
const SETTLE_SECONDS = 300
/** The check needs a cloud that holds nothing else. */
const ONCE_FOLDER = '.millrace/once'
/** Exit code of a command that Ctrl-C ended. */
const INTERRUPTED = 130

export function demoCommand(program: Command): void {
  program
    .command('demo')
    .description('start the local cloud, send simulated events and show what became of them')
    .option(
      '--once',
      'on an empty cloud of its own; compare every store with what was sent, stop, exit 1 at the first difference',
    )
    .action(({ once }: { once?: true }) => (once ? checkOnce() : stay()))
}

/** Shows the demo and keeps the cloud until Ctrl-C. */
async function stay(): Promise<void> {
  const local = localCloud()
  const played = stopWhenInterrupted(local)
  const outputs = await up(local)
  const { story } = await play(localTarget(outputs), outputs.consoleUrl)
  console.log(`\n${summarise(story)}\n\nCtrl-C stops everything.`)
  played()
  await watchUntilInterrupted(local)
}

/** Plays the demo on an empty cloud, and throws a Failure unless every store holds exactly what was sent. */
async function checkOnce(): Promise<void> {
  if (parts.some(({ pid }) => pid(localCloud()) !== undefined))
    throw new UserError('The local cloud is running, and --once proves on an empty one; stop it first with `npx millrace down`.')
  const local = localCloud(ONCE_FOLDER)
  await down(local)
  await rm(ONCE_FOLDER, { recursive: true, force: true })
  const played = stopWhenInterrupted(local)
  try {
    await playAndCompare(local)
  } finally {
    played()
    for (const line of await down(local)) console.log(line)
  }
}

/** Until the returned function is called, Ctrl-C stops what was started and ends the command. */
function stopWhenInterrupted(local: LocalCloud): () => void {
  const stop = () => void down(local).finally(() => process.exit(INTERRUPTED))
  process.once('SIGINT', stop)
  return () => process.off('SIGINT', stop)
}

async function playAndCompare(local: LocalCloud): Promise<void> {
  const outputs = await up(local)
  const { story, files, run } = await play(localTarget(outputs), outputs.consoleUrl)
  console.log(`\n${summarise(story)}\n`)
  const expected = recompute(files, run)
  const [first, ...others] = differences(expected, story.found)
  if (first !== undefined) throw new UserError(`${first}${others.length > 0 ? ` (and ${others.length} more stores differ)` : ''}`)
  console.log(verdict(expected))
}

function verdict(expected: Expected): string {
  const { identities, recentUrls, userActivity, countryMinutes, deviceMinutes, quarantined } = expected
  const documents = [recentUrls, userActivity, countryMinutes, deviceMinutes].reduce((sum, each) => sum + each.length, 0)
  const rows = expected.enrichedActions.length + expected.p95ByType.length + expected.p95ByDevice.length
  return (
    `Worked out again from the lines: ${identities.size} events, each archived and indexed once, ${documents} documents of projections, ` +
    `${rows} report rows and ${quarantined} lines kept aside are just what the stores hold.`
  )
}

interface Played {
  readonly story: DemoResult
  readonly files: readonly SentFile[]
  /** The instant that the reports were made as of, in milliseconds since 1970. */
  readonly run: number
}

/** Sends what careless clients make of the simulators' events, waits until it has settled, makes the reports and reads the stores. */
async function play(target: Target, consoleUrl: string): Promise<Played> {
  const now = realRuntime.now()
  const files = await Promise.all(Object.entries(COUNTS).map(([simulator, count]) => disturbedFile(simulator, count, now)))
  const sent: DemoResult['sent'][number][] = []
  for (const { type, lines } of files) {
    await sendLines(lines, lines.length, type, target)
    sent.push({ events: type, lines: lines.length })
  }
  const sentAt = realRuntime.now()
  const status = await waitUntilSettled(target)
  const run = realRuntime.now()
  const found = await readStores(target, await makeReports(target, run))
  const seconds = { sending: (sentAt - now) / 1000, settling: (run - sentAt) / 1000 }
  return { story: { sent, seconds, status, found, consoleUrl }, files, run }
}

async function makeReports(target: Target, run: number): Promise<Published> {
  const durationP95 = await runReport(target, { report: 'duration-p95', all: true })
  const at = new Date(run).toISOString()
  return { durationP95, enrichedActions: await runReport(target, { report: 'enriched-actions', at }) }
}

async function disturbedFile(simulator: string, count: number, now: number): Promise<SentFile> {
  const lines = [...disturb(await simulatedLines(simulator, { count }, now), rollDice(now))]
  return { type: simulators[simulator]?.type as SentFile['type'], lines }
}

async function waitUntilSettled(target: Target) {
  const progress = showProgress('settle', 1)
  const status = await settle(await statusReader(target), SETTLE_SECONDS, ({ accepted, folded, archived, indexed }) =>
    progress.at((folded + archived) / (2 * accepted || 1), `${folded} folded, ${archived} archived, ${indexed} documents`),
  )
  progress.done()
  if (!status.settled) throw new UserError(`Not settled after ${SETTLE_SECONDS} s: ${JSON.stringify(status)}`)
  return status
}
