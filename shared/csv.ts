type Columns = readonly string[]

const line = (cells: readonly unknown[]): string => `${cells.map(field).join(',')}\r\n`

/** The header of CSV (RFC 4180) with these columns. */
export const csvHeader = (columns: Columns): string => line(columns)

/** Rows as CSV with these columns, without the header. */
export const csvRows = (rows: readonly Readonly<Record<string, unknown>>[], columns: Columns): string =>
  rows.map(row => line(columns.map(column => row[column]))).join('')

/** A text that begins like a formula gets an apostrophe, so that spreadsheets do not evaluate it. */
function field(value: unknown): string {
  if (value === null || value === undefined) return ''
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
