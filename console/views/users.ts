import { ApiError, get, pathTo, type Row } from '../api.ts'
import { timeChart } from '../chart.ts'
import { fill, h } from '../dom.ts'
import { columnsOf, instant } from '../format.ts'
import { plainCell, plainColumns, table } from '../table.ts'
import type { View } from '../view.ts'

interface User {
  readonly user: string
  readonly states: Readonly<Record<string, Row>>
  readonly windows: Readonly<Record<string, readonly Row[]>>
}

/** All that is known of one user or device: its states, and its windows as a chart. */
export function users(refreshed: () => void): View {
  const field = h('input', {
    type: 'search',
    name: 'user',
    placeholder: 'User or device, such as 7',
    autocomplete: 'off',
    spellcheck: 'false',
  })
  const found = h('div', { 'aria-live': 'polite' }, h('p', { class: 'none' }, 'Whom are you looking for?'))
  let wanted = ''
  let charts: { end(): void }[] = []
  const end = (): void => {
    for (const chart of charts) chart.end()
    charts = []
  }
  const search = (event: Event): void => {
    event.preventDefault()
    wanted = field.value.trim()
    refreshed()
  }
  const form = h(
    'form',
    { class: 'bar', role: 'search', onsubmit: search },
    h('label', {}, 'User ', field),
    h('button', {}, 'Show'),
  )
  return {
    element: h('div', {}, form, found),
    every: 5_000,
    async refresh() {
      if (wanted === '') return
      const asked = wanted
      const user = await lookUp(asked)
      if (asked !== wanted) return
      end()
      if (!user) return fill(found, h('p', { class: 'none' }, `Nothing is known of ${asked}.`))
      const shown = Object.entries(user.windows).map(([name, rows]) => windowCard(name, rows))
      charts = shown.map(({ chart }) => chart)
      fill(
        found,
        ...Object.entries(user.states).map(stateCard),
        ...shown.map(({ element }) => element),
        Object.keys(user.states).length + shown.length === 0 &&
          h('p', { class: 'none' }, 'Known, but no projection shows anything.'),
      )
      for (const { draw } of shown) draw()
    },
    end,
  }
}

async function lookUp(user: string): Promise<User | undefined> {
  try {
    return await get<User>(pathTo(['users', user]), 'read')
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined
    throw error
  }
}

function stateCard([name, document]: [string, Row]): HTMLElement {
  const facts = Object.entries(document).map(([field, value]) =>
    h('div', {}, h('dt', {}, field), h('dd', {}, Array.isArray(value) ? listOf(value) : plainCell(value))),
  )
  return h('section', { class: 'card' }, h('h2', {}, name), h('dl', {}, ...facts))
}

const listOf = (values: readonly unknown[]): HTMLElement =>
  values.length === 0 ? h('span', {}, '–') : h('ol', {}, ...values.map(value => h('li', {}, plainCell(value))))

const MEASURE = /^avg_|_count$|^num_/

function windowCard(name: string, rows: readonly Row[]) {
  const oldestFirst = rows.toReversed()
  const measures = columnsOf(rows).filter(column => MEASURE.test(column) && column.startsWith('avg_'))
  const chart = timeChart({ label: `${name}: ${measures.join(', ')} by window`, height: 200 })
  const columns = plainColumns(columnsOf(rows)).map(column =>
    column.title === 'window_start' ? { ...column, cell: (row: Row) => instant(String(row['window_start'])) } : column,
  )
  const element = h(
    'section',
    { class: 'card' },
    h('h2', {}, `${name} `, h('small', {}, `newest ${rows.length}`)),
    chart.element,
    table(name, columns, rows, 'No windows yet.'),
  )
  const draw = (): void =>
    chart.draw({
      instants: oldestFirst.map(row => Date.parse(String(row['window_start'])) / 1000),
      lines: measures.map(label => ({ label, values: oldestFirst.map(row => Number(row[label])) })),
    })
  return { element, chart, draw }
}
