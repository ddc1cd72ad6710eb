import { get, pathTo } from '../api.ts'
import { fill, h } from '../dom.ts'
import { count, instant } from '../format.ts'
import { table } from '../table.ts'
import type { View } from '../view.ts'

interface Kept {
  readonly key: string
  readonly code: string
  readonly message: string
  readonly type: string | null
  readonly id: string | null
  readonly keyName: string
  readonly received: string
  readonly count: number
  readonly sample: string | null
}

interface Page {
  readonly data: readonly Kept[]
  readonly cursor: string | null
}

const SAMPLE = '500'

/** What was put aside: the reasons, and samples of each. */
export function quarantine(refreshed: () => void): View {
  let code: string | undefined
  const reasons = h('div', { class: 'chips' })
  const note = h('p', { class: 'note' })
  const samples = h('div')
  const choose = (chosen: string | undefined): void => {
    code = chosen
    refreshed()
  }
  return {
    element: h(
      'div',
      {},
      h('section', { class: 'card' }, h('h2', {}, 'Reasons'), reasons, note),
      h('section', { class: 'card' }, h('h2', {}, 'Samples'), samples),
    ),
    every: 10_000,
    async refresh() {
      const asked = code
      const page = await get<Page>(pathTo(['quarantine'], { limit: SAMPLE }), 'admin')
      const shown = asked === undefined ? page : await get<Page>(pathTo(['quarantine'], { limit: '100', code: asked }), 'admin')
      if (asked !== code) return
      fill(reasons, ...reasonChips(page.data, code, choose))
      note.textContent = page.cursor
        ? `Of ${count(page.data.length)} items, taken evenly; there are more.`
        : `${count(page.data.length)} items; the same event that came again is one item.`
      fill(samples, sampleTable(shown.data.slice(0, 100)))
    },
    end: () => undefined,
  }
}

function reasonChips(
  items: readonly Kept[],
  code: string | undefined,
  choose: (code: string | undefined) => void,
): HTMLElement[] {
  const counts = new Map<string, number>()
  for (const item of items) counts.set(item.code, (counts.get(item.code) ?? 0) + 1)
  const sorted = [...counts].sort(([, a], [, b]) => b - a)
  const chip = (label: string, total: number, value: string | undefined) =>
    h(
      'button',
      { type: 'button', 'aria-pressed': String(value === code), onclick: () => choose(value) },
      `${label} `,
      h('b', {}, total),
    )
  return [chip('all', items.length, undefined), ...sorted.map(([name, total]) => chip(name, total, name))]
}

const sampleTable = (items: readonly Kept[]): HTMLElement =>
  table<Kept>(
    'Samples',
    [
      { title: 'Received (UTC)', cell: ({ received }) => instant(received) },
      { title: 'Code', cell: ({ code }) => h('code', {}, code) },
      { title: 'Type', cell: ({ type }) => type ?? '–' },
      { title: 'Id', cell: ({ id }) => id ?? '–' },
      { title: 'Times', cell: ({ count }) => String(count), number: true },
      { title: 'Why', cell: ({ message }) => message },
      { title: 'Sent', cell: ({ sample }) => (sample === null ? '–' : h('code', { class: 'sample' }, sample)) },
    ],
    items,
    'Nothing was put aside.',
  )
