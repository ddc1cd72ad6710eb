import type { Page } from '../../shared/http.ts'
import { get, pathTo, post } from '../api.ts'
import { fill, h } from '../dom.ts'
import { instant } from '../format.ts'
import { type Row, table } from '../table.ts'
import type { View } from '../view.ts'

const interactions = {
  pageview: ['homepage', 'about', 'checkout'],
  engagement: ['click', 'scroll', 'hover'],
} as const

/** The part of the response of POST /v1/events/interaction that the view shows. Null: the event was quarantined. */
interface PublishResponse {
  readonly events?: readonly (readonly [type: string, value: string | null, eventId: string | null] | null)[]
}

/** An event that this view published. */
interface PublishedEvent {
  readonly event_id: string
  readonly eventType: string
  readonly eventValue: string
  /** Milliseconds since 1970. */
  readonly sentAt: number
  /** The id in the response, or the state of the request. */
  eventId: string
  /** When OpenSearch returned the event for the first time, in milliseconds since 1970. */
  searchableAt: number | undefined
}

type Send = (eventType: string, values: readonly string[]) => Promise<void>

const INTERVAL_MS = 1_000
const LISTED_EVENTS = 30

/** Buttons that publish interactions, the published events, and the newest documents in OpenSearch. */
export function publish(requestRefresh: () => void): View {
  const published: PublishedEvent[] = []
  const sent = h('div', { 'aria-live': 'polite' })
  const arrived = h('div')
  const showSent = (): void => fill(sent, sentTable(published))
  const send: Send = async (eventType, values) => {
    const events = values.map(eventValue => newEvent(eventType, eventValue))
    published.unshift(...events)
    published.length = Math.min(published.length, LISTED_EVENTS)
    await postEvents(events)
    showSent()
    requestRefresh()
  }
  showSent()
  return {
    element: h(
      'div',
      {},
      h('div', { class: 'columns' }, ...Object.entries(interactions).map(([type, values]) => buttons(type, values, send))),
      h('section', { class: 'card' }, h('h2', {}, 'Published here'), sent),
      h('section', { class: 'card' }, h('h2', {}, 'Newest in OpenSearch'), arrived),
    ),
    intervalMs: INTERVAL_MS,
    async refresh() {
      const { data } = await get<Page<Row>>(pathTo(['events', 'interaction'], { limit: String(LISTED_EVENTS) }), 'read')
      const ids = new Set(data.map(row => row['event_id']))
      for (const event of published) if (ids.has(event.event_id)) event.searchableAt ??= Date.now()
      showSent()
      fill(arrived, documentTable(data, new Set(published.map(({ event_id }) => event_id))))
    },
    dispose: () => undefined,
  }
}

const newEvent = (eventType: string, eventValue: string): PublishedEvent => ({
  event_id: crypto.randomUUID(),
  eventType,
  eventValue,
  sentAt: Date.now(),
  eventId: '…',
  searchableAt: undefined,
})

/** Publishes the events and records their ids, or the error. */
async function postEvents(events: readonly PublishedEvent[]): Promise<void> {
  try {
    const body = events.map(({ event_id, eventType, eventValue }) => ({ event_id, eventType, eventValue }))
    const response = await post<PublishResponse>(pathTo(['events', 'interaction']), body)
    for (const [at, event] of events.entries()) event.eventId = response.events?.[at]?.[2] ?? 'accepted'
  } catch (error) {
    for (const event of events) event.eventId = `not sent: ${(error as Error).message}`
  }
}

function buttons(type: string, values: readonly string[], send: Send): HTMLElement {
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

const sentTable = (events: readonly PublishedEvent[]): HTMLElement =>
  table<PublishedEvent>(
    'Published here',
    [
      { title: 'Type', cell: ({ eventType }) => eventType },
      { title: 'Value', cell: ({ eventValue }) => eventValue },
      { title: 'Event id', cell: ({ eventId }) => h('code', {}, eventId) },
      { title: 'Searchable', cell: searchability },
      { title: 'Sent (UTC)', cell: ({ sentAt }) => instant(sentAt).slice(11) },
    ],
    events,
    'Press a button to publish an event. It goes through the whole pipeline and appears below when OpenSearch has it.',
  )

const searchability = ({ sentAt, searchableAt }: PublishedEvent): HTMLElement =>
  searchableAt === undefined
    ? h('span', { class: 'state pending' }, 'pending')
    : h('span', { class: 'state good' }, `after ${((searchableAt - sentAt) / 1000).toFixed(1)} s`)

const documentTable = (rows: readonly Row[], publishedIds: ReadonlySet<string>): HTMLElement =>
  table<Row>(
    'Newest in OpenSearch',
    [
      { title: 'eventType', cell: row => String(row['eventType']) },
      { title: 'eventValue', cell: row => String(row['eventValue'] ?? '–') },
      { title: 'eventId', cell: row => h('code', {}, String(row['eventId'] ?? '–')) },
      {
        title: 'event_id',
        cell: row => h('code', { class: publishedIds.has(String(row['event_id'])) ? 'mine' : '' }, String(row['event_id'])),
      },
      { title: 'Received (UTC)', cell: row => instant(String(row['received'])) },
    ],
    rows,
    'OpenSearch has no interactions yet.',
  )
