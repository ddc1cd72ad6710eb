import type { Meter } from './metered-table.ts'

/** How long calls of other services take, in milliseconds. Assumptions, not measured. */
export const LATENCY = { put: 6, get: 4, batchGet: 8, putRecords: 12, bulk: 25, api: 15 } as const
const CALLS_AT_ONCE = 32

/** Calls of tables. */
export type Calls = Pick<Meter, 'puts' | 'gets' | 'batches'>

export const callsOf = (table: Calls, pages: Calls): Calls => ({
  puts: table.puts + pages.puts,
  gets: table.gets + pages.gets,
  batches: table.batches + pages.batches,
})

/** How long the calls between two counts were waited for. */
export function waitedMs(before: Calls, after: Calls): number {
  const inTurn = (name: keyof Calls, ms: number): number => Math.ceil((after[name] - before[name]) / CALLS_AT_ONCE) * ms
  return inTurn('puts', LATENCY.put) + inTurn('gets', LATENCY.get) + inTurn('batches', LATENCY.batchGet)
}
