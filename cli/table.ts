const COLUMN_GAP = '  '

/** Rows as lines of aligned columns under their names; numbers stand to the right. */
export function formatTable(rows: readonly object[], columns: readonly string[]): string {
  const cells = rows.map(row => columns.map(column => cellOf((row as Record<string, unknown>)[column])))
  const widths = columns.map((column, i) => Math.max(column.length, ...cells.map(line => line[i]?.length ?? 0)))
  const toTheRight = columns.map(column => rows.some(row => isNumber((row as Record<string, unknown>)[column])))
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, i) => (toTheRight[i] ? text.padStart(widths[i] ?? 0) : text.padEnd(widths[i] ?? 0)))
      .join(COLUMN_GAP)
      .trimEnd()
  return [columns, ...cells].map(line).join('\n')
}

const isNumber = (value: unknown): boolean => typeof value === 'number' || typeof value === 'bigint'

function cellOf(value: unknown): string {
  if (value === null || value === undefined) return '-'
  if (value instanceof Date) return value.toISOString().replace('T00:00:00.000Z', '')
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : value.toFixed(3)
  return typeof value === 'string' ? value : JSON.stringify(value)
}
