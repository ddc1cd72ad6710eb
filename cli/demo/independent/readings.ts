import { isName, isNumberOrNull, isTextOrNull, minuteOf, type Row } from './lines.ts'

export interface Reading {
  readonly event_id: string
  readonly device_id: string
  readonly device_type?: string | null
  readonly timestamp: number
  readonly temperature?: number | null
  readonly event_duration?: number | null
  readonly status?: string | null
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

export const isReading = (row: Row): boolean =>
  isName(row['event_id']) &&
  isName(row['device_id']) &&
  Number.isFinite(row['timestamp']) &&
  [row['temperature'], row['event_duration']].every(isNumberOrNull) &&
  [row['device_type'], row['status']].every(isTextOrNull)

export function deviceMinutes(readings: readonly Reading[]): DeviceMinute[] {
  const counted = readings.filter(
    ({ temperature, event_duration, status }) =>
      temperature != null && event_duration != null && status != null && status !== 'error',
  )
  const windows = Map.groupBy(counted, ({ device_id, timestamp }) => `${minuteOf(timestamp)} ${device_id}`)
  return [...windows.values()].map(rows => ({
    device_id: rows[0]?.device_id ?? '',
    window_start: minuteOf(rows[0]?.timestamp ?? 0),
    avg_temperature: average(rows.map(row => Number(row.temperature))),
    avg_event_duration: average(rows.map(row => Number(row.event_duration))),
    num_events: rows.length,
  }))
}

/** Sums in ascending order of magnitude, to lose little precision. */
const total = (values: readonly number[]): number =>
  values.toSorted((a, b) => Math.abs(a) - Math.abs(b)).reduce((sum, value) => sum + value, 0)
const average = (values: readonly number[]): number => total(values) / values.length

export const p95ByType = (readings: readonly Reading[]): P95[] => p95(readings, reading => reading.device_type ?? null, 500)
export const p95ByDevice = (readings: readonly Reading[]): P95[] => p95(readings, reading => reading.device_id, 200)

/** For each day and group with at least `least` durations: drops values beyond three sample standard deviations once, then takes the linearly interpolated 95th percentile. */
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
