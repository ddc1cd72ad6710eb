import { get, type Page, pathTo, post, type Row } from '../api.ts'
import { fill, h } from '../dom.ts'
import { instant } from '../format.ts'
import { table } from '../table.ts'
import type { View } from '../view.ts'

const interactions = {
  pageview: ['home', 'about', 'checkout'],
  engagement: ['click', 'scroll', 'hover'],
} as const

type Receipt = readonly [type: string, value: string | null, eventId: string | null] | null

interface Answer {
  readonly accepted: number
  readonly events?: readonly Receipt[]
}

/** An event that was published here, until and after OpenSearch shows it. */
interface Published {
  readonly event_id: string
  readonly eventType: string
  readonly eventValue: string
  readonly sentAt: number
  eventId: string
  searchableAt: number | undefined
}

const WATCH_MS = 1_000
const LISTED = 30

/** Buttons that send interactions, and the documents they become. */
export function publish(refreshed: () => void): View {
  const mine: Published[] = []
  const sent = h('div', { 'aria-live': 'polite' })
  const arrived = h('div')
  const send = async (eventType: string, values: readonly string[]): Promise<void> => {
    const events = values.map(eventValue => newEvent(eventType, eventValue))
    mine.unshift(...events)
    mine.length = Math.min(mine.length, LISTED)
    try {
      const body = events.map(({ event_id, eventType, eventValue }) => ({ event_id, eventType, eventValue }))
      const answer = await post<Answer>(pathTo(['events', 'interaction']), body)
      for (const [at, event] of events.entries()) event.eventId = answer.events?.[at]?.[2] ?? 'accepted'
    } catch (error) {
      for (const event of events) event.eventId = `not sent: ${(error as Error).message}`
    }
    fill(sent, sentTable(mine))
    refreshed()
  }
  const element = h(
    'div',
    {},
    h('div', { class: 'columns' }, ...Object.entries(interactions).map(([type, values]) => buttons(type, values, send))),
    h('section', { class: 'card' }, h('h2', {}, 'Published here'), sent),
    h('section', { class: 'card' }, h('h2', {}, 'Newest in OpenSearch'), arrived),
  )
  fill(sent, sentTable(mine))
  return {
    element,
    every: WATCH_MS,
    async refresh() {
      const { data } = await get<Page>(pathTo(['events', 'interaction'], { limit: String(LISTED) }), 'read')
      const ids = new Set(data.map(row => row['event_id']))
      for (const event of mine) if (ids.has(event.event_id)) event.searchableAt ??= Date.now()
      fill(sent, sentTable(mine))
      fill(arrived, documentTable(data, new Set(mine.map(({ event_id }) => event_id))))
    },
    end: () => undefined,
  }
}

const newEvent = (eventType: string, eventValue: string): Published => ({
  event_id: crypto.randomUUID(),
  eventType,
  eventValue,
  sentAt: Date.now(),
  eventId: '…',
  searchableAt: undefined,
})

function buttons(
  type: string,
  values: readonly string[],
  send: (type: string, values: readonly string[]) => Promise<void>,
): HTMLElement {
  const button = (label: string, sentValues: readonly string[], kind: string) =>
    h('button', { type: 'button', class: kind, onclick: () => void send(type, sentValues) }, label)
  return h(
    'section',
    { class: 'card' },
    h('h2', {}, type),
    h(
      'div',
      { class: 'buttons' },
      ...values.map(value => button(`Publish ${value}`, [value], '')),
      button(`Publish All ${type}`, values, 'strong'),
    ),
  )
}

const sentTable = (events: readonly Published[]): HTMLElement =>
  table<Published>(
    'Published here',
    [
      { title: 'Type', cell: ({ eventType }) => eventType },
      { title: 'Value', cell: ({ eventValue }) => eventValue },
      { title: 'Event id', cell: ({ eventId }) => h('code', {}, eventId) },
      { title: 'Searchable', cell: ({ sentAt, searchableAt }) => stateOf(sentAt, searchableAt) },
      { title: 'Sent (UTC)', cell: ({ sentAt }) => instant(sentAt).slice(11) },
    ],
    events,
    'Press a button: the event goes through the whole of it, and comes back from OpenSearch below.',
  )

const stateOf = (sentAt: number, searchableAt: number | undefined): HTMLElement =>
  searchableAt === undefined
    ? h('span', { class: 'state waiting' }, 'on its way')
    : h('span', { class: 'state good' }, `after ${((searchableAt - sentAt) / 1000).toFixed(1)} s`)

const documentTable = (rows: readonly Row[], mine: ReadonlySet<string>): HTMLElement =>
  table<Row>(
    'Newest in OpenSearch',
    [
      { title: 'eventType', cell: row => String(row['eventType']) },
      { title: 'eventValue', cell: row => String(row['eventValue'] ?? '–') },
      { title: 'eventId', cell: row => h('code', {}, String(row['eventId'] ?? '–')) },
      {
        title: 'event_id',
        cell: row => h('code', { class: mine.has(String(row['event_id'])) ? 'mine' : '' }, String(row['event_id'])),
      },
      { title: 'Received (UTC)', cell: row => instant(String(row['received'])) },
    ],
    rows,
    'OpenSearch has no interactions yet.',
  )
