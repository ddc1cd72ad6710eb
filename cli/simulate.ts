import { Argument, type Command } from 'commander'
import { UserError } from '../shared/user-error.ts'
import { type CommonOptions, positiveNumber, printJson, wholeNumber, withCommonOptions } from './options.ts'
import { showProgress } from './progress.ts'
import { realRuntime } from './send.ts'
import { eventsApi } from './sending/api.ts'
import { batchSize, cutBatches } from './sending/batches.ts'
import { deliver, nothing, type Totals } from './sending/deliver.ts'
import type { Element } from './sending/elements.ts'
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
    .description('send simulated events')
    .addArgument(new Argument('<simulator>', names.join('; ')).choices(Object.keys(simulators)))
    .option('--count <events>', `how many; else ${counts.join(', ')}`, wholeNumber)
    .option('--rate <events>', 'at most so many a second', positiveNumber)
    .option('--seed <n>', `the same seed gives the same events, from ${config.start} on; without one they end now`, wholeNumber)
    .option('--sitemap <file-or-url>', 'for visits: the site map whose addresses are visited')
    .option('--file <file>', 'write them instead, for `send`: one JSON array into a .json file, else JSON lines')
    .action(async (name: string, options: SimulateOptions) => {
      const lines = await simulatedLines(name, options, realRuntime.now())
      if (options.file !== undefined) await write(lines, options.file, options.json)
      else await send(lines, name, options)
    })
}

async function write(lines: Iterable<string>, file: string, json: boolean | undefined): Promise<void> {
  const rows = await writeRows(file, lines).catch((error: NodeJS.ErrnoException) => {
    throw new UserError(`${file} cannot be written (${error.code}).`)
  })
  if (json) printJson({ file, rows })
  else console.log(`${rows} rows in ${file}.`)
}

async function send(lines: Iterable<string>, name: string, { count, rate, stage, json }: SimulateOptions): Promise<void> {
  const { type, count: usual } = simulatorOf(name)
  const totals = await sendLines(lines, count ?? usual, type, await findTarget(stage), rate)
  if (json) printJson(totals)
  else console.log(`${totals.lines} events: ${totals.accepted} accepted, ${totals.quarantined} quarantined.`)
}

function simulatorOf(name: string): Simulator {
  const simulator = simulators[name]
  if (!simulator) throw new Error(`There is no simulator ${name}.`)
  return simulator
}

/**
 * The first `count` rows of a simulator as JSON lines. `now` (ms) stands in for a missing seed; their simulated time ends then,
 * so that a report of what happened before now has them all.
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

/** Sends lines that were made, not read. */
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
    post: eventsApi(url, target.key('write'), realRuntime, why => progress.say(`waiting: ${why}`)),
    rate,
    runtime: realRuntime,
    before: nothing,
    confirmed: (_, { lines }) => progress.at(lines, `${lines} of ${count}`),
  })
  progress.done()
  return totals
}

/** A made line has no place in a file. */
function* elementsOf(lines: Iterable<string>): Generator<Element> {
  for (const line of lines) yield { text: Buffer.from(line), end: 0 }
}
