/** A whole number with separators, such as 1,234; a dash without a value. */
export const count = (value: number | null | undefined): string =>
  value === null || value === undefined ? '–' : Math.round(value).toLocaleString('en-US')

/** A number with two decimals. */
export const measure = (value: number): string => value.toFixed(2)

/** A duration in seconds, minutes, hours or days, whichever is easiest to read. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return '–'
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

/** A time in UTC, to the second: `2026-01-31 12:00:00`. An invalid time is shown unchanged. */
export const instant = (value: string | number): string => {
  const date = new Date(value)
  return Number.isNaN(date.getTime()) ? String(value) : date.toISOString().slice(0, 19).replace('T', ' ')
}

/** The names of all columns of the rows, in the order of their first appearance. */
export const columnsOf = (rows: readonly object[]): string[] => [...new Set(rows.flatMap(row => Object.keys(row)))]

const SECOND = 1000

/** How often the metrics are read, in milliseconds. CloudWatch bills each read; those of the local cloud cost nothing. */
export const metricsInterval = (hostname: string): number =>
  ['127.0.0.1', 'localhost'].includes(hostname) ? 5 * SECOND : 60 * SECOND
