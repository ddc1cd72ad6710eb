/** A whole number with thin groups, or a dash for nothing. */
export const count = (value: number | null | undefined): string =>
  value === null || value === undefined ? '–' : Math.round(value).toLocaleString('en-US')

/** A measure with two decimals. */
export const measure = (value: unknown): string => (typeof value === 'number' ? value.toFixed(2) : '–')

/** How long, in the largest unit that still says something. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return '–'
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

/** UTC, to the second: `2026-01-31 12:00:00`. */
export const instant = (value: string | number): string => {
  const date = new Date(value)
  return Number.isNaN(date.getTime()) ? String(value) : date.toISOString().slice(0, 19).replace('T', ' ')
}

/** Rows as CSV (RFC 4180), by these columns. */
export const csv = (rows: readonly Readonly<Record<string, unknown>>[], columns: readonly string[]): string =>
  [columns, ...rows.map(row => columns.map(column => row[column]))].map(cells => `${cells.map(field).join(',')}\r\n`).join('')

/** A cell that begins like a formula is text to a spreadsheet only behind an apostrophe. */
function field(value: unknown): string {
  if (value === null || value === undefined) return ''
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** Columns of rows, in the order in which they first appear. */
export const columnsOf = (rows: readonly object[]): string[] => [...new Set(rows.flatMap(row => Object.keys(row)))]
