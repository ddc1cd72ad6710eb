import type { Row } from './folder-archive.ts'

/** One row of the report, as plain code sees it; `name` is the device type or the device. */
export interface PlainRow {
  readonly date: string
  readonly name: string
  readonly num_events: number
  readonly kept: number
  readonly mean: number
  readonly stddev: number
  readonly event_duration_p95: number
}

/**
 * The report duration-p95 in plain code: durations must be multiples of 1/1024 within ±2^40, so that sums and the cut are exact
 * in integers. Rows are given in the order of their arrival.
 */
export function plainDurationP95(rows: readonly Row[], dimension: 'device_type' | 'device_id'): PlainRow[] {
  const first = new Map<string, Row>()
  for (const row of rows) {
    const identity = JSON.stringify([row.source, row.event_id])
    const known = first.get(identity)
    if (!known || (row.received ?? 0) < (known.received ?? 0)) first.set(identity, row)
  }
  const groups = new Map<string, { date: string; name: string; durations: bigint[] }>()
  for (const row of first.values()) {
    const name = row[dimension]
    if (row.event_duration === null || name == null) continue
    const date = new Date(Math.floor(row.timestamp) * 1000).toISOString().slice(0, 10)
    const group = groups.get(`${date} ${name}`) ?? { date, name, durations: [] }
    group.durations.push(BigInt(row.event_duration * 1024))
    groups.set(`${date} ${name}`, group)
  }
  return [...groups.values()]
    .filter(({ durations }) => durations.length >= (dimension === 'device_type' ? 500 : 200))
    .map(({ date, name, durations }) => ({ date, name, ...measures(durations) }))
    .sort((a, b) => Buffer.compare(Buffer.from(a.date + a.name), Buffer.from(b.date + b.name)))
}

function measures(durations: readonly bigint[]): Omit<PlainRow, 'date' | 'name'> {
  const n = BigInt(durations.length)
  const total = durations.reduce((sum, duration) => sum + duration, 0n)
  // n times each deviation, so that it is an integer.
  const squares = durations.reduce((sum, duration) => sum + (n * duration - total) ** 2n, 0n)
  const kept = durations
    .filter(duration => (n * duration - total) ** 2n * (n - 1n) <= 9n * squares)
    .map(duration => Number(duration) / 1024)
  return {
    num_events: durations.length,
    kept: kept.length,
    mean: Number(total) / 1024 / durations.length,
    stddev: Math.sqrt(Number(squares) / Number(n * n * (n - 1n))) / 1024,
    event_duration_p95: percentile(kept.sort((a, b) => a - b)),
  }
}

/** R-7 at 0.95. */
function percentile(sorted: readonly number[]): number {
  const position = 0.95 * (sorted.length - 1)
  const below = sorted[Math.floor(position)] ?? Number.NaN
  const above = sorted[Math.ceil(position)] ?? below
  return below + (above - below) * (position - Math.floor(position))
}
