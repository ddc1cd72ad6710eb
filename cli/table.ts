import { visible } from './visible.ts'

const COLUMN_GAP = '  '

/** Formats rows as lines of aligned columns below a header. Columns of numbers are aligned to the right. Cells may hold text of clients. */
export function formatTable(rows: readonly object[], columns: readonly string[]): string {
  const values = rows.map(row => columns.map(column => (row as Record<string, unknown>)[column]))
  const isNumeric = columns.map((_, i) => values.some(row => isNumber(row[i])))
  return alignCells([columns, ...values.map(row => row.map(cellOf))], isNumeric)
}

/** Formats lines of cells as aligned columns, those of numbers to the right. Cells may hold text of clients. */
export function alignCells(cells: readonly (readonly string[])[], isNumeric: readonly boolean[]): string {
  const lines = cells.map(line => line.map(visible))
  const aligned = isNumeric.map((numeric, i) => {
    const width = lines.reduce((widest, line) => Math.max(widest, line[i]?.length ?? 0), 0)
    return (text: string) => (numeric ? text.padStart(width) : text.padEnd(width))
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
