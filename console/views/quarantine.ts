import type { Page } from '../../shared/http.ts'
import type { QuarantineRow } from '../../shared/quarantine.ts'
import { get, pathTo } from '../api.ts'
import { fill, h } from '../dom.ts'
import { count, instant } from '../format.ts'
import { table } from '../table.ts'
import type { View } from '../view.ts'

/** Rows from which the numbers by reason are counted. */
const COUNTED_ROWS = 500
const SHOWN_ROWS = 100

/** The quarantined events: the number by reason, and samples. */
export function quarantine(requestRefresh: () => void): View {
  let code: string | undefined
  const reasons = h('div', { class: 'chips' })
  const note = h('p', { class: 'note' })
  const samples = h('div')
  const select = (selected: string | undefined): void => {
    code = selected
    requestRefresh()
  }
  return {
    element: h(
      'div',
      {},
      h('section', { class: 'card' }, h('h2', {}, 'Reasons'), reasons, note),
      h('section', { class: 'card' }, h('h2', {}, 'Samples'), samples),
    ),
    intervalMs: 10_000,
    async refresh() {
      const requested = code
      const page = await read({ limit: String(COUNTED_ROWS) })
      const selected = requested === undefined ? page : await read({ limit: String(SHOWN_ROWS), code: requested })
      if (requested !== code) return
      fill(reasons, ...reasonChips(page.data, code, select))
      note.textContent = noteOf(page)
      fill(samples, sampleTable(selected.data.slice(0, SHOWN_ROWS)))
    },
    dispose: () => undefined,
  }
}

const read = (parameters: Readonly<Record<string, string>>): Promise<Page<QuarantineRow>> =>
  get(pathTo(['quarantine'], parameters), 'admin')

const noteOf = ({ data, cursor }: Page<QuarantineRow>): string =>
  cursor
    ? `Counted from the first ${count(data.length)} events. The quarantine has more: count them with "npx millrace quarantine list".`
    : `${count(data.length)} events. Repetitions of the same event are one.`

function reasonChips(
  rows: readonly QuarantineRow[],
  code: string | undefined,
  select: (code: string | undefined) => void,
): HTMLElement[] {
  const counts = new Map<string, number>()
  for (const row of rows) counts.set(row.code, (counts.get(row.code) ?? 0) + 1)
  const sortedCounts = [...counts].sort(([, a], [, b]) => b - a)
  const chip = (label: string, total: number, value: string | undefined) =>
    h(
      'button',
      { type: 'button', 'aria-pressed': String(value === code), onclick: () => select(value) },
      `${label} `,
      h('b', {}, total),
    )
  return [chip('all', rows.length, undefined), ...sortedCounts.map(([name, total]) => chip(name, total, name))]
}

const sampleTable = (rows: readonly QuarantineRow[]): HTMLElement =>
  table<QuarantineRow>(
    'Samples',
    [
      { title: 'Received (UTC)', cell: ({ received }) => instant(received) },
      { title: 'Code', cell: ({ code }) => h('code', {}, code) },
      { title: 'Type', cell: ({ type }) => type ?? '–' },
      { title: 'Id', cell: ({ id }) => id ?? '–' },
      { title: 'Count', cell: ({ count }) => String(count), number: true },
      { title: 'Reason', cell: ({ message }) => message },
      { title: 'Body', cell: ({ sample }) => (sample === null ? '–' : h('code', { class: 'sample' }, sample)) },
    ],
    rows,
    'No quarantined events.',
  )
