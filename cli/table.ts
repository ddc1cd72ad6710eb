import { visible } from './visible.ts'

const COLUMN_GAP = '  '

/** Formats rows as lines of aligned columns below a header. Columns of numbers are aligned to the right. Cells may hold text of clients. */
export function formatTable(rows: readonly object[], columns: readonly string[]): string {
  const values = rows.map(row => columns.map(column => (row as Record<string, unknown>)[column]))
  const lines = [columns, ...values.map(row => row.map(cellOf))].map(line => line.map(visible))
  const aligned = columns.map((_, i) => {
    const width = Math.max(...lines.map(line => line[i]?.length ?? 0))
    const isNumeric = values.some(row => isNumber(row[i]))
    return (text: string) => (isNumeric ? text.padStart(width) : text.padEnd(width))
  })
  return lines
    .map(line =>
      line
        .map((text, i) => aligned[i]?.(text))
        .join(COLUMN_GAP)
        .trimEnd(),
    )
    .join('\n')
}

const isNumber = (value: unknown): boolean => typeof value === 'number' || typeof value === 'bigint'

function cellOf(value: unknown): string {
  if (value === null || value === undefined) return '-'
  if (value instanceof Date) return value.toISOString().replace('T00:00:00.000Z', '')
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : value.toFixed(3)
  return typeof value === 'string' ? value : JSON.stringify(value)
}
