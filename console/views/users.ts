import type { UserView } from '../../shared/projection.ts'
import { ApiError, get, pathTo } from '../api.ts'
import { timeChart } from '../chart.ts'
import { fill, h } from '../dom.ts'
import { columnsOf, instant } from '../format.ts'
import { plainCell, plainColumns, type Row, table } from '../table.ts'
import type { View } from '../view.ts'

/** A search field, and the states and windows of the user or device that was searched for. */
export function users(requestRefresh: () => void): View {
  const field = searchField()
  const result = h('div', { 'aria-live': 'polite' }, message('Enter the id of a user or a device.'))
  let userId = ''
  let cards: WindowCard[] = []
  const dispose = (): void => {
    for (const { chart } of cards) chart.dispose()
    cards = []
  }
  const search = (event: Event): void => {
    event.preventDefault()
    userId = field.value.trim()
    requestRefresh()
  }
  return {
    element: h('div', {}, searchForm(field, search), result),
    intervalMs: 5_000,
    async refresh() {
      if (userId === '') return
      const requested = userId
      const user = await readUser(requested)
      if (requested !== userId) return
      dispose()
      if (!user) return fill(result, message(`No user or device has the id ${requested}.`))
      cards = Object.entries(user.windows).map(([name, rows]) => windowCard(name, rows))
      fill(result, ...userCards(user, cards))
      for (const { draw } of cards) draw()
    },
    dispose,
  }
}

const message = (text: string): HTMLElement => h('p', { class: 'none' }, text)

const searchField = () =>
  h('input', {
    type: 'search',
    name: 'user',
    placeholder: 'User or device, such as 7',
    autocomplete: 'off',
    spellcheck: 'false',
  })

const searchForm = (field: HTMLElement, search: (event: Event) => void): HTMLElement =>
  h('form', { class: 'bar', role: 'search', onsubmit: search }, h('label', {}, 'User ', field), h('button', {}, 'Show'))

/** Undefined when the user is unknown. */
async function readUser(user: string): Promise<UserView | undefined> {
  try {
    return await get<UserView>(pathTo(['users'], { id: user }), 'read')
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined
    throw error
  }
}

function userCards({ states }: UserView, windowCards: readonly WindowCard[]): HTMLElement[] {
  const cards = [...Object.entries(states).map(stateCard), ...windowCards.map(({ element }) => element)]
  return cards.length > 0 ? cards : [message('The user is known, but no projection has a document of it.')]
}

function stateCard([name, document]: [string, Row]): HTMLElement {
  const facts = Object.entries(document).map(([field, value]) =>
    h('div', {}, h('dt', {}, field), h('dd', {}, Array.isArray(value) ? listOf(value) : plainCell(value))),
  )
  return h('section', { class: 'card' }, h('h2', {}, name), h('dl', {}, ...facts))
}

const listOf = (values: readonly unknown[]): HTMLElement =>
  values.length === 0 ? h('span', {}, '–') : h('ol', {}, ...values.map(value => h('li', {}, plainCell(value))))

type WindowCard = ReturnType<typeof windowCard>

/** The windows of one projection as a chart of the averages and as a table. Call `draw` when the card is in the page. */
function windowCard(name: string, rows: readonly Row[]) {
  const averages = columnsOf(rows).filter(column => column.startsWith('avg_'))
  const chart = timeChart({ label: `${name}: ${averages.join(', ')} by window`, height: 200 })
  const element = h(
    'section',
    { class: 'card' },
    h('h2', {}, `${name} `, h('small', {}, `newest ${rows.length}`)),
    chart.element,
    windowTable(name, rows),
  )
  const oldestFirst = rows.toReversed()
  const draw = (): void =>
    chart.draw({
      instants: oldestFirst.map(row => Date.parse(String(row['window_start'])) / 1000),
      lines: averages.map(label => ({ label, values: oldestFirst.map(row => Number(row[label])) })),
    })
  return { element, chart, draw }
}

function windowTable(name: string, rows: readonly Row[]): HTMLElement {
  const columns = plainColumns(columnsOf(rows)).map(column =>
    column.title === 'window_start' ? { ...column, cell: (row: Row) => instant(String(row['window_start'])) } : column,
  )
  return table(name, columns, rows, 'No windows yet.')
}
