import { h } from './dom.ts'
import { count, measure } from './format.ts'

/** A row of any columns. */
export type Row = Readonly<Record<string, unknown>>

export interface Column<TableRow> {
  readonly title: string
  readonly cell: (row: TableRow) => Node | string
  /** Aligns the column to the right. */
  readonly number?: boolean
}

/** A table in a box that scrolls horizontally. Without rows, the text `none`. */
export function table<TableRow>(
  caption: string,
  columns: readonly Column<TableRow>[],
  rows: readonly TableRow[],
  none: string,
): HTMLElement {
  if (rows.length === 0) return h('p', { class: 'none' }, none)
  const head = h('tr', {}, ...columns.map(({ title, number }) => h('th', { scope: 'col', class: number ? 'number' : '' }, title)))
  const line = (row: TableRow): HTMLElement =>
    h('tr', {}, ...columns.map(({ cell, number }) => h('td', { class: number ? 'number' : '' }, cell(row))))
  return h(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption },
    h('table', {}, h('thead', {}, head), h('tbody', {}, ...rows.map(line))),
  )
}

/** Columns that show the fields of these names. */
export const plainColumns = (names: readonly string[]): Column<Row>[] =>
  names.map(name => ({ title: name, cell: row => plainCell(row[name]), number: false }))

export function plainCell(value: unknown): string {
  if (value === null || value === undefined) return '–'
  if (typeof value === 'number') return Number.isInteger(value) ? count(value) : measure(value)
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
