import { rm } from 'node:fs/promises'
import type { Command } from 'commander'
import { type LocalCloud, localCloud, parts } from '../localstack/parts.ts'
import { down, endedLine, up } from '../localstack/up.ts'
import { UsageError, UserError } from '../shared/user-error.ts'
import { differences } from './demo/independent/compare.ts'
import type { SentFile } from './demo/independent/lines.ts'
import { type Expected, recompute } from './demo/independent/recompute.ts'
import { type Published, readStores } from './demo/stores.ts'
import { type DemoResult, type SentLines, summarise } from './demo/summary.ts'
import { printJson } from './options.ts'
import { showProgress } from './progress.ts'
import { runReport } from './report.ts'
import { realRuntime } from './send.ts'
import { sendLines, simulatedLines } from './simulate.ts'
import { rollDice } from './simulators/dice.ts'
import { addClientFaults } from './simulators/disturb.ts'
import { simulators } from './simulators/simulators.ts'
import { settleWhileItChanges, statusReader, statusSentence } from './status.ts'
import { localTarget, type Target } from './target.ts'
import { consoleLine, stopWhenInterrupted, watchUntilInterrupted } from './up.ts'

/** Events to simulate. The report needs 200 readings of a device; the other counts fill the tables that are shown. */
const COUNTS = { visits: 1_000, actions: 1_000, users: 600, interactions: 400, readings: 6_000 }
const STILL_SECONDS = 120
/** `--once` runs on a local cloud of its own, which holds no other events. */
export const ONCE_FOLDER = '.millrace/once'

export function demoCommand(program: Command): void {
  program
    .command('demo')
    .description('start the local cloud, send simulated events and show the results')
    .option('--once', 'use an empty local cloud, compare every store with what was sent, stop; exit 1 at the first difference')
    .option('--json', 'with --once: print one JSON value')
    .action(({ once, json = false }: { once?: true; json?: boolean }) => {
      if (once) return checkOnce(json)
      if (json) throw new UsageError('Give --json together with --once.')
      return runUntilInterrupted()
    })
}

/** Runs the demo and keeps the local cloud until Ctrl-C. */
async function runUntilInterrupted(): Promise<void> {
  const local = localCloud()
  const stopListening = stopWhenInterrupted(local)
  const outputs = await up(local)
  const { result } = await runDemo(localTarget(outputs))
  console.log(`\n${summarise(result, consoleLine(local, outputs))}\n\nCtrl-C stops everything.`)
  await watchUntilInterrupted(local, console.log, stopListening)
}

/** Runs the demo on an empty local cloud. Throws a UserError unless every store holds exactly what was sent. */
async function checkOnce(json: boolean): Promise<void> {
  if (parts.some(({ pid }) => pid(localCloud()) !== undefined))
    throw new UserError(
      'The local cloud is running, but --once needs an empty one. Stop it with `npx millrace down`, then try again.',
    )
  const local = localCloud(ONCE_FOLDER)
  await down(local)
  await rm(ONCE_FOLDER, { recursive: true, force: true })
  const stopListening = stopWhenInterrupted(local)
  try {
    await runAndCompare(local, json)
  } finally {
    stopListening()
    for (const part of await down(local)) sayBeside(json)(endedLine(part))
  }
}

/** Standard output has only the JSON, if there is one. */
const sayBeside = (json: boolean) => (json ? console.error : console.log)

async function runAndCompare(local: LocalCloud, json: boolean): Promise<void> {
  const outputs = await up(local, { json })
  const { result, files, run } = await runDemo(localTarget(outputs))
  sayBeside(json)(`\n${summarise(result)}\n`)
  const expected = recompute(files, run)
  const [first, ...others] = differences(expected, result.found)
  if (first !== undefined) throw new UserError(`${first}${others.length > 0 ? ` (${others.length} more stores differ)` : ''}`)
  const compared = countsOf(expected)
  if (json) printJson({ ok: true, sent: result.sent, ...compared })
  else console.log(verdict(compared))
}

/** What was compared with the stores. */
function countsOf({ identities, quarantined, ...expected }: Expected) {
  const { recentUrls, userActivity, countryMinutes, deviceMinutes } = expected
  const documents = [recentUrls, userActivity, countryMinutes, deviceMinutes].reduce((sum, each) => sum + each.length, 0)
  const rows = expected.enrichedActions.length + expected.p95ByType.length + expected.p95ByDevice.length
  return { events: identities.size, documents, rows, quarantined }
}

const verdict = ({ events, documents, rows, quarantined }: ReturnType<typeof countsOf>): string =>
  `Recomputed from the lines sent, the stores hold exactly what they must: ${events} events, each archived and indexed once, ` +
  `${documents} documents of projections, ${rows} report rows and ${quarantined} quarantined lines.`

interface DemoRun {
  readonly result: DemoResult
  readonly files: readonly SentFile[]
  /** The instant of the snapshot report, in milliseconds since 1970. */
  readonly run: number
}

/** Sends the simulators' events with repeated, disordered and invalid lines, waits until they have settled, runs the reports and reads the stores. */
async function runDemo(target: Target): Promise<DemoRun> {
  const now = realRuntime.now()
  const files = await Promise.all(Object.entries(COUNTS).map(([simulator, count]) => disturbedFile(simulator, count, now)))
  const sent: SentLines[] = []
  for (const { type, lines } of files) {
    const { accepted, quarantined } = await sendLines(lines, lines.length, type, target)
    const repeated = lines.length - new Set(lines).size
    sent.push({ events: type, lines: lines.length, repeated, accepted, quarantined })
  }
  const sentAt = realRuntime.now()
  const status = await waitUntilSettled(target)
  const run = realRuntime.now()
  const found = await readStores(target, await runReports(target, run))
  const seconds = { sending: (sentAt - now) / 1000, settling: (run - sentAt) / 1000 }
  return { result: { sent, seconds, status, found, apiUrl: target.apiUrl }, files, run }
}

async function runReports(target: Target, run: number): Promise<Published> {
  const durationP95 = await runReport(target, { report: 'duration-p95', all: true })
  const at = new Date(run).toISOString()
  return { durationP95, enrichedActions: await runReport(target, { report: 'enriched-actions', at }) }
}

async function disturbedFile(simulator: string, count: number, now: number): Promise<SentFile> {
  const lines = [...addClientFaults(await simulatedLines(simulator, { count }, now), rollDice(now))]
  return { type: simulators[simulator]?.type as SentFile['type'], lines }
}

async function waitUntilSettled(target: Target) {
  const progress = showProgress('settle', 1)
  const status = await settleWhileItChanges(
    await statusReader(target),
    STILL_SECONDS,
    ({ accepted, folded, archived, indexed }) =>
      progress.at((folded + archived) / (2 * accepted || 1), `${folded} folded, ${archived} archived, ${indexed} documents`),
  )
  progress.done()
  if (!status.settled)
    throw new UserError(
      `Not settled: no store has changed for ${STILL_SECONDS} seconds (${statusSentence(status)}). Run it again. If it ends the same way, start \`npx millrace up\`, send events, and look for errors with \`npx millrace logs\`.`,
    )
  return status
}
