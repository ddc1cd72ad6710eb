// node test/bench/throughput.ts [PART OF A NAME]: the CPU time of the product, as a multiple of that of a plain loop over the same events.

import { formatTable } from '../../cli/table.ts'
import type { Case } from './throughput/cases.ts'
import { foldCases } from './throughput/fold.ts'
import { hostileCases } from './throughput/hostile.ts'
import { ingestCases } from './throughput/ingest.ts'
import { windowCases } from './throughput/windows.ts'

const RUNS = 11
/** CPU time of one measurement, in microseconds: far more than the clock's step, and enough to include garbage collections. */
const MEASURED_US = 150_000

/** The CPU time of the process for one call, in microseconds, from as many calls as `MEASURED_US` needs. */
async function microsecondsOf(work: () => unknown): Promise<number> {
  const start = process.cpuUsage()
  for (let calls = 1; ; calls++) {
    await work()
    const { user, system } = process.cpuUsage(start)
    if (user + system >= MEASURED_US) return (user + system) / calls
  }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

/** Measures both by turns, so that a busy machine slows both down. The first run warms up. */
async function measure({ name, events, product, plain, goal }: Case) {
  const runs: { readonly product: number; readonly plain: number }[] = []
  for (let run = 0; run <= RUNS; run++) runs.push({ product: await microsecondsOf(product), plain: await microsecondsOf(plain) })
  const measured = runs.slice(1)
  const ours = median(measured.map(each => each.product)) / events
  return {
    case: name,
    'µs an event': ours.toFixed(1),
    'events/s': Math.round(1e6 / ours),
    'plain loop, µs': (median(measured.map(each => each.plain)) / events).toFixed(2),
    ratio: median(measured.map(each => each.product / each.plain)).toFixed(1),
    goal: goal ?? '',
  }
}

const [part = ''] = process.argv.slice(2)
const rows = []
for (const each of [...foldCases, ...windowCases, ...ingestCases, ...hostileCases].filter(({ name }) => name.includes(part)))
  rows.push(await measure(each))
console.log(formatTable(rows, Object.keys(rows[0] ?? {})))
