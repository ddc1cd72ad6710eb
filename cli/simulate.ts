import { Argument, type Command } from 'commander'
import { UserError } from '../shared/user-error.ts'
import { type CommonOptions, positiveNumber, printJson, wholeNumber, withCommonOptions } from './options.ts'
import { showProgress } from './progress.ts'
import { realRuntime } from './send.ts'
import { eventsApi } from './sending/api.ts'
import { batchSize, cutBatches } from './sending/batches.ts'
import type { HashedElement } from './sending/chain.ts'
import { deliver, nothing, type Totals } from './sending/deliver.ts'
import { formatRejected } from './sending/rejected-rows.ts'
import config from './simulators/config.json' with { type: 'json' }
import { rollDice } from './simulators/dice.ts'
import { writeRows } from './simulators/rows-file.ts'
import type { Simulator } from './simulators/simulator.ts'
import { simulators } from './simulators/simulators.ts'
import { readSiteMap } from './simulators/site-map.ts'
import { findTarget, type Target } from './target.ts'

interface SimulateOptions extends CommonOptions {
  readonly count?: number
  readonly rate?: number
  readonly seed?: number
  readonly sitemap?: string
  readonly file?: string
}

export function simulateCommand(program: Command): void {
  const names = Object.entries(simulators).map(([name, { about }]) => `${name}: ${about}`)
  const counts = Object.entries(simulators).map(([name, { count }]) => `${count} ${name}`)
  withCommonOptions(program.command('simulate'))
    .description('send simulated events, or write them to a file')
    .addArgument(new Argument('<simulator>', names.join('; ')).choices(Object.keys(simulators)))
    .option('--count <events>', `simulate this many events (default: ${counts.join(', ')})`, wholeNumber)
    .option('--rate <events>', 'send at most this many events per second', positiveNumber)
    .option(
      '--seed <n>',
      `repeat the events of this seed, with event times from ${config.start} (default: random events that end now)`,
      wholeNumber,
    )
    .option('--sitemap <file-or-url>', 'visit the addresses of this site map (only for visits)')
    .option('--file <file>', 'write the events to this file for `send`: one JSON array for .json, else JSON lines')
    .action(async (name: string, options: SimulateOptions) => {
      const lines = await simulatedLines(name, options, realRuntime.now())
      if (options.file !== undefined) await write(lines, options.file, options.json)
      else await send(lines, name, options)
    })
}

async function write(lines: Iterable<string>, file: string, json: boolean | undefined): Promise<void> {
  const rows = await writeRows(file, lines).catch((error: NodeJS.ErrnoException) => {
    throw new UserError(`${file} cannot be written (${error.code}). Check the folder and its permissions.`)
  })
  if (json) printJson({ file, rows })
  else console.log(`${rows} rows in ${file}.`)
}

async function send(lines: Iterable<string>, name: string, { count, rate, stage, json }: SimulateOptions): Promise<void> {
  const { type, count: defaultCount } = simulatorOf(name)
  const totals = await sendLines(lines, count ?? defaultCount, type, await findTarget(stage), rate)
  const { lines: sent, accepted, quarantined, rejected } = totals
  if (json) printJson({ lines: sent, accepted, quarantined })
  else console.log(`${sent} events: ${accepted} accepted, ${quarantined} quarantined.`)
  if (rejected.length > 0) (json ? console.error : console.log)(formatRejected(rejected))
}

function simulatorOf(name: string): Simulator {
  const simulator = simulators[name]
  if (!simulator) throw new Error(`There is no simulator ${name}.`)
  return simulator
}

/**
 * The first `count` rows of a simulator as JSON lines. Without a seed, `now` (milliseconds since 1970) is the seed and the
 * simulated time ends at `now`: a report of the events before now contains all of them.
 */
export async function simulatedLines(
  name: string,
  { count, seed, sitemap }: Pick<SimulateOptions, 'count' | 'seed' | 'sitemap'>,
  now: number,
): Promise<IteratorObject<string>> {
  const simulator = simulatorOf(name)
  const rows = count ?? simulator.count
  const run = {
    start: seed === undefined ? Math.floor(now / 1000 - rows * simulator.secondsBetween) : Date.parse(config.start) / 1000,
    dice: rollDice(seed ?? now),
    id: (n: number) => `${name}-${seed ?? now}-${n}`,
    urls: await readSiteMap(sitemap),
  }
  return simulator
    .rows(run)
    .take(rows)
    .map(row => JSON.stringify(row))
}

/** Sends generated lines; `count` is their number, for the progress bar. */
export async function sendLines(
  lines: Iterable<string>,
  count: number,
  type: string,
  target: Target,
  rate?: number,
): Promise<Totals> {
  const progress = showProgress(`send ${type}`, count)
  const url = new URL(`/v1/events/${type}`, target.apiUrl)
  const totals = await deliver({
    batches: cutBatches(elementsOf(lines), batchSize(rate)),
    post: eventsApi(url, target.key('write'), realRuntime, reason => progress.say(`waiting: ${reason}`)),
    rate,
    runtime: realRuntime,
    before: nothing,
    confirmed: (_, { lines }) => progress.at(lines, `${lines} of ${count}`),
  })
  progress.done()
  return totals
}

/** Generated lines have ids, and no file that an interrupted run could resume. */
function* elementsOf(lines: Iterable<string>): Generator<HashedElement> {
  let line = 0
  for (const text of lines) yield { text: Buffer.from(text), line: ++line, isOversized: false, digest: '' }
}
