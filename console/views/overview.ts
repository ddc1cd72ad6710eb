import type { Health } from '../../shared/health.ts'
import type { PipelineMetrics } from '../../shared/metrics.ts'
import { get } from '../api.ts'
import { timeChart } from '../chart.ts'
import { fill, h } from '../dom.ts'
import { count, duration, metricsInterval } from '../format.ts'
import { table } from '../table.ts'
import type { View } from '../view.ts'

/** The steps of the pipeline in order, by their names in GET /v1/metrics. */
const steps = [
  { name: 'accepted', title: 'Accepted', about: 'events into the stream' },
  { name: 'folded', title: 'Folded', about: 'events into states' },
  { name: 'archived', title: 'Archived', about: 'stream records into S3' },
  { name: 'documents', title: 'Indexed', about: 'documents written' },
  { name: 'rawEvents', title: 'Raw events', about: 'events into OpenSearch' },
  { name: 'quarantined', title: 'Quarantined', about: 'rejected events' },
] as const

const storeDescriptions: Readonly<Record<string, string>> = {
  stream: 'Kinesis, the event stream',
  state: 'DynamoDB, states and windows',
  archive: 'S3, every event as Parquet',
  reports: 'Reports: time since arrivals were last reported',
  search: 'OpenSearch, documents and recent raw events',
}

/** The throughput and lag of each step, and the state of each store. */
export function overview(): View {
  const tiles = steps.map(tile)
  const stores = h('div')
  const chart = timeChart({ label: 'Events per minute by pipeline step, last hour', height: 240, fromZero: true })
  const element = h(
    'div',
    {},
    h('div', { class: 'tiles' }, ...tiles.map(each => each.element)),
    h('section', { class: 'card' }, h('h2', {}, 'Per minute, last hour'), chart.element),
    h('section', { class: 'card' }, h('h2', {}, 'Stores'), stores),
  )
  const showMetrics = ({ minutes, perMinute, lagSeconds }: PipelineMetrics): void => {
    const instants = minutes.map(minute => Date.parse(minute) / 1000)
    for (const each of tiles) each.show(instants, perMinute[each.name] ?? [], lagSeconds[each.name] ?? null)
    const lines = steps.map(({ name, title }) => ({ label: title, values: perMinute[name] ?? [] }))
    chart.draw({ instants, lines })
  }
  let nextMetrics = 0
  return {
    element,
    intervalMs: 5_000,
    async refresh() {
      // Health comes first and needs no key: an unreachable store must show even when nothing else can be read.
      fill(stores, storeTable(await get<Health>('/v1/health', null, [503])))
      if (Date.now() < nextMetrics) return
      showMetrics(await get<PipelineMetrics>('/v1/metrics', 'read'))
      nextMetrics = Date.now() + metricsInterval(location.hostname)
    },
    dispose() {
      for (const each of [chart, ...tiles.map(({ spark }) => spark)]) each.dispose()
    },
  }
}

function tile({ name, title, about }: (typeof steps)[number]) {
  const spark = timeChart({ label: `${title} per minute`, height: 36, spark: true })
  const total = h('strong', {}, '–')
  const lag = h('small')
  const element = h('section', { class: `tile ${name}` }, h('h2', {}, title), total, h('small', {}, about), spark.element, lag)
  return {
    name,
    spark,
    element,
    show(instants: readonly number[], counts: readonly number[], lagSeconds: number | null): void {
      total.textContent = counts.length > 0 ? count(counts.reduce((sum, each) => sum + each, 0)) : '–'
      lag.textContent = lagSeconds === null ? 'last hour' : `last hour · ${duration(lagSeconds)} behind`
      spark.draw({ instants, lines: [{ label: title, values: counts }] })
    },
  }
}

const storeTable = ({ stores }: Health): HTMLElement =>
  table(
    'Stores',
    [
      { title: 'Store', cell: ({ name }) => name },
      { title: 'State', cell: ({ reachable }) => reachability(reachable) },
      { title: 'Behind', cell: ({ lagSeconds }) => duration(lagSeconds), number: true },
      { title: 'Holds', cell: ({ name }) => storeDescriptions[name] ?? '' },
    ],
    Object.entries(stores).map(([name, store]) => ({ name, ...store })),
    'The API reports no stores.',
  )

const reachability = (reachable: boolean): HTMLElement =>
  h('span', { class: reachable ? 'state good' : 'state bad' }, reachable ? 'reachable' : 'unreachable')
