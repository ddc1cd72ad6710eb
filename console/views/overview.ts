import { get } from '../api.ts'
import { type Chart, timeChart } from '../chart.ts'
import { fill, h } from '../dom.ts'
import { count, duration } from '../format.ts'
import { table } from '../table.ts'
import type { View } from '../view.ts'

interface Health {
  readonly ok: boolean
  readonly stores: Readonly<Record<string, { readonly reachable: boolean; readonly lagSeconds: number | null }>>
}

interface Metrics {
  readonly minutes: readonly string[]
  readonly perMinute: Readonly<Record<string, readonly (number | null)[]>>
  readonly lagSeconds: Readonly<Record<string, number | null>>
}

/** The stations of an event in the order it passes them, by the names that GET /v1/metrics gives them. */
const stations = [
  { name: 'accepted', title: 'Accepted', about: 'events into the stream' },
  { name: 'folded', title: 'Folded', about: 'events into states' },
  { name: 'archived', title: 'Archived', about: 'stream records into S3' },
  { name: 'documents', title: 'Indexed', about: 'documents written' },
  { name: 'rawEvents', title: 'Raw events', about: 'events into OpenSearch' },
  { name: 'quarantined', title: 'Quarantined', about: 'events put aside' },
] as const

const storeTexts: Readonly<Record<string, string>> = {
  stream: 'Kinesis, the event stream',
  state: 'DynamoDB, states and windows',
  archive: 'S3, every event as Parquet',
  reports: 'Reports: how long since the last arrivals were reported',
  search: 'OpenSearch, documents and recent raw events',
}

/** How much flows, how far each part is behind, and which stores answer. */
export function overview(): View {
  const tiles = stations.map(tile)
  const stores = h('div')
  const journey = timeChart({ label: 'Events of each minute by station, over the last hour', height: 240, fromZero: true })
  const element = h(
    'div',
    {},
    h('div', { class: 'tiles' }, ...tiles.map(each => each.element)),
    h('section', { class: 'card' }, h('h2', {}, 'Per minute, last hour'), journey.element),
    h('section', { class: 'card' }, h('h2', {}, 'Stores'), stores),
  )
  const showMetrics = ({ minutes, perMinute, lagSeconds }: Metrics): void => {
    const instants = minutes.map(minute => Date.parse(minute) / 1000)
    for (const each of tiles) each.show(instants, perMinute[each.name] ?? [], lagSeconds[each.name] ?? null)
    const lines = stations.map(({ name, title }) => ({ label: title, values: perMinute[name] ?? [] }))
    journey.draw({ instants, lines })
  }
  return {
    element,
    every: 5_000,
    async refresh() {
      // Health first and without a key: what is down must show even where nothing else can be read.
      showStores(stores, await get<Health>('/v1/health', null, [503]))
      showMetrics(await get<Metrics>('/v1/metrics', 'read'))
    },
    end: () => [journey, ...tiles.map(each => each.spark)].forEach((chart: Chart) => void chart.end()),
  }
}

function tile({ name, title, about }: (typeof stations)[number]) {
  const spark = timeChart({ label: `${title} of each minute`, height: 36, spark: true })
  const value = h('strong', {}, '–')
  const behind = h('small')
  const element = h('section', { class: `tile ${name}` }, h('h2', {}, title), value, h('small', {}, about), spark.element, behind)
  return {
    name,
    spark,
    element,
    show(instants: readonly number[], values: readonly (number | null)[], lag: number | null): void {
      const known = values.filter(each => each !== null)
      value.textContent = known.length > 0 ? count(known.reduce((sum, each) => sum + each, 0)) : '–'
      behind.textContent = lag === null ? 'last hour' : `last hour · ${duration(lag)} behind`
      spark.draw({ instants, lines: [{ label: title, values }] })
    },
  }
}

function showStores(place: HTMLElement, { stores }: Health): void {
  const rows = Object.entries(stores).map(([name, store]) => ({ name, ...store }))
  const state = (reachable: boolean) =>
    h('span', { class: reachable ? 'state good' : 'state bad' }, reachable ? 'answers' : 'does not answer')
  fill(
    place,
    table(
      'Stores',
      [
        { title: 'Store', cell: ({ name }) => name },
        { title: 'State', cell: ({ reachable }) => state(reachable) },
        { title: 'Behind', cell: ({ lagSeconds }) => duration(lagSeconds), number: true },
        { title: 'Holds', cell: ({ name }) => storeTexts[name] ?? '' },
      ],
      rows,
      'Nothing is known of the stores.',
    ),
  )
}
