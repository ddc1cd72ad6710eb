import { h } from './dom.ts'
import { count, measure } from './format.ts'

export interface Column<Row> {
  readonly title: string
  readonly cell: (row: Row) => Node | string
  /** Numbers stand to the right. */
  readonly number?: boolean
}

/** Rows under their titles, in a box that scrolls sideways by itself; a sentence where there are none. */
export function table<Row>(caption: string, columns: readonly Column<Row>[], rows: readonly Row[], none: string): HTMLElement {
  if (rows.length === 0) return h('p', { class: 'none' }, none)
  const head = h('tr', {}, ...columns.map(({ title, number }) => h('th', { scope: 'col', class: number ? 'number' : '' }, title)))
  const line = (row: Row): HTMLElement =>
    h('tr', {}, ...columns.map(({ cell, number }) => h('td', { class: number ? 'number' : '' }, cell(row))))
  return h(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption },
    h('table', {}, h('thead', {}, head), h('tbody', {}, ...rows.map(line))),
  )
}

/** Columns for rows that nothing more is known of. */
export const plainColumns = (names: readonly string[]): Column<Readonly<Record<string, unknown>>>[] =>
  names.map(name => ({ title: name, cell: row => plainCell(row[name]), number: false }))

export function plainCell(value: unknown): string {
  if (value === null || value === undefined) return '–'
  if (typeof value === 'number') return Number.isInteger(value) ? count(value) : measure(value)
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
