/**
 * What every store must hold, worked out from the lines that were sent and from the specification alone. Nothing of the product
 * is imported here: a mistake in its folds must not be able to hide in its own check.
 */

export interface SentFile {
  readonly type: 'page_visit' | 'reading'
  /** In the order they were sent. */
  readonly lines: readonly string[]
}

export interface Expected {
  /** Distinct events: type and id. */
  readonly identities: ReadonlySet<string>
  /** Distinct lines that must be kept aside. */
  readonly quarantined: number
  readonly recentUrls: readonly RecentUrls[]
  readonly deviceMinutes: readonly DeviceMinute[]
  readonly p95ByType: readonly P95[]
  readonly p95ByDevice: readonly P95[]
}

export interface RecentUrls {
  readonly id: number
  readonly last_5_urls: readonly string[]
}

export interface DeviceMinute {
  readonly device_id: string
  readonly window_start: string
  readonly avg_temperature: number
  readonly avg_event_duration: number
  readonly num_events: number
}

export interface P95 {
  readonly date: string
  readonly group: string
  readonly num_events: number
  readonly kept: number
  readonly mean: number
  readonly stddev: number
  readonly event_duration_p95: number
}

interface Visit {
  readonly event_id: string
  readonly Id: number
  readonly Url: string
  readonly Timestamp: number
}

interface Reading {
  readonly event_id: string
  readonly device_id: string
  readonly device_type?: string | null
  readonly timestamp: number
  readonly temperature?: number | null
  readonly event_duration?: number | null
  readonly status?: string | null
}

export function recompute(files: readonly SentFile[]): Expected {
  const visits = new Map<string, Visit>()
  const readings = new Map<string, Reading>()
  const refused = new Set<string>()
  for (const { type, lines } of files) {
    for (const line of lines) {
      const row = parse(line)
      if (type === 'page_visit' && isVisit(row)) keepFirst(visits, row)
      else if (type === 'reading' && isReading(row)) keepFirst(readings, row)
      else refused.add(`${type} ${line}`)
    }
  }
  return {
    identities: new Set([
      ...[...visits.keys()].map(id => `page_visit ${id}`),
      ...[...readings.keys()].map(id => `reading ${id}`),
    ]),
    quarantined: refused.size,
    recentUrls: recentUrls([...visits.values()]),
    deviceMinutes: deviceMinutes([...readings.values()]),
    p95ByType: p95([...readings.values()], reading => reading.device_type ?? null, 500),
    p95ByDevice: p95([...readings.values()], reading => reading.device_id, 200),
  }
}

function parse(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line)
  } catch {
    return {}
  }
}

const keepFirst = <Row extends { event_id: string }>(rows: Map<string, Row>, row: Row): void => {
  if (!rows.has(row.event_id)) rows.set(row.event_id, row)
}

const isText = (value: unknown): boolean => typeof value === 'string' && value.length >= 1 && value.length <= 128
const isTextOrNull = (value: unknown): boolean => value == null || typeof value === 'string'
const isNumberOrNull = (value: unknown): boolean => value == null || Number.isFinite(value)

const isVisit = (row: Record<string, unknown>): row is Record<string, unknown> & Visit =>
  isText(row['event_id']) &&
  Number.isSafeInteger(row['Id']) &&
  typeof row['Url'] === 'string' &&
  Number.isSafeInteger(row['Timestamp'])

const isReading = (row: Record<string, unknown>): row is Record<string, unknown> & Reading =>
  isText(row['event_id']) &&
  isText(row['device_id']) &&
  Number.isFinite(row['timestamp']) &&
  [row['temperature'], row['event_duration']].every(isNumberOrNull) &&
  [row['device_type'], row['status']].every(isTextOrNull)

function recentUrls(visits: readonly Visit[]): RecentUrls[] {
  const users = Map.groupBy(visits, visit => visit.Id)
  return [...users].map(([id, theirs]) => {
    const newestFirst = theirs
      .map((visit, arrival) => ({ ...visit, arrival }))
      .sort((a, b) => b.Timestamp - a.Timestamp || b.arrival - a.arrival)
    return { id, last_5_urls: newestFirst.slice(0, 5).map(visit => visit.Url) }
  })
}

function deviceMinutes(readings: readonly Reading[]): DeviceMinute[] {
  const counted = readings.filter(
    ({ temperature, event_duration, status }) =>
      temperature != null && event_duration != null && status != null && status !== 'error',
  )
  const windows = Map.groupBy(counted, ({ device_id, timestamp }) => `${Math.floor(timestamp / 60) * 60} ${device_id}`)
  return [...windows].map(([window, rows]) => {
    const [, start = '', device_id = ''] = /^(-?\d+) (.*)$/s.exec(window) ?? []
    return {
      device_id,
      window_start: `${new Date(Number(start) * 1000).toISOString().slice(0, 19)}Z`,
      avg_temperature: average(rows.map(row => Number(row.temperature))),
      avg_event_duration: average(rows.map(row => Number(row.event_duration))),
      num_events: rows.length,
    }
  })
}

/** Ordered by size, so that the sum loses next to nothing. */
const total = (values: readonly number[]): number =>
  values.toSorted((a, b) => Math.abs(a) - Math.abs(b)).reduce((sum, value) => sum + value, 0)
const average = (values: readonly number[]): number => total(values) / values.length

/** Groups of a day with enough durations: sample sigma, one cut at three of them, then the linear 95th percentile. */
function p95(readings: readonly Reading[], groupOf: (reading: Reading) => string | null, least: number): P95[] {
  const timed = readings.filter(reading => reading.event_duration != null && groupOf(reading) !== null)
  const groups = Map.groupBy(
    timed,
    reading => `${new Date(reading.timestamp * 1000).toISOString().slice(0, 10)} ${groupOf(reading)}`,
  )
  return [...groups]
    .filter(([, rows]) => rows.length >= least)
    .map(([name, rows]) => {
      const durations = rows.map(row => Number(row.event_duration))
      const mean = average(durations)
      const stddev = Math.sqrt(total(durations.map(value => (value - mean) ** 2)) / (durations.length - 1))
      const kept = durations.filter(value => Math.abs(value - mean) <= 3 * stddev).sort((a, b) => a - b)
      return {
        date: name.slice(0, 10),
        group: name.slice(11),
        num_events: durations.length,
        kept: kept.length,
        mean,
        stddev,
        event_duration_p95: linearQuantile(kept, 0.95),
      }
    })
}

function linearQuantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share
  const below = sorted[Math.floor(place)] ?? Number.NaN
  const above = sorted[Math.ceil(place)] ?? below
  return below + (above - below) * (place - Math.floor(place))
}
