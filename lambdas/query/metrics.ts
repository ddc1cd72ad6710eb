import type { Dimension, MetricDataQuery, MetricDataResult } from '@aws-sdk/client-cloudwatch'
import { type FunctionName, NONE } from '../../shared/environment.ts'
import type { MetricName, PipelineMetrics } from '../../shared/metrics.ts'
import { floorTo } from '../../shared/time.ts'

/** The functions that read streams, by the step that they do. */
type Reader = 'folded' | 'windows' | 'documents' | 'rawEvents'

/** Where the metrics are: the namespace of the product's own, the Firehose stream, and the names of the readers' functions. */
export interface MetricSources {
  readonly namespace: string
  readonly deliveryStream: string
  readonly readers: Readonly<Record<Reader, string>>
}

const MINUTE_MS = 60_000
const MINUTES = 60
/** A reader that fails tries again at least this often, in minutes: one shard that fails is not hidden by the others. */
const UNREAD_MINUTES = 5
/** The readers whose delay is a delay of the step. The windows are derived from the states. */
const readersOf: Readonly<Record<string, readonly Reader[]>> = {
  folded: ['folded', 'windows'],
  documents: ['documents'],
  rawEvents: ['rawEvents'],
}

interface Metric {
  readonly namespace: string
  readonly name: string
  readonly dimension: Dimension
}

/** Metrics by the pipeline step that they measure. */
type StepMetrics = Readonly<Record<string, Metric>>

const productMetric = (namespace: string, service: FunctionName, name: MetricName): Metric => ({
  namespace,
  name,
  dimension: { Name: 'service', Value: service },
})

const firehoseMetric = (stream: string, name: string): Metric => ({
  namespace: 'AWS/Firehose',
  name: `DeliveryToS3.${name}`,
  dimension: { Name: 'DeliveryStreamName', Value: stream },
})

/** How much each step processed. */
const countMetrics = ({ namespace, deliveryStream }: MetricSources): StepMetrics => ({
  accepted: productMetric(namespace, 'ingest', 'EventsAccepted'),
  quarantined: productMetric(namespace, 'ingest', 'EventsQuarantined'),
  folded: productMetric(namespace, 'state', 'EventsFolded'),
  documents: productMetric(namespace, 'index-documents', 'DocumentsIndexed'),
  rawEvents: productMetric(namespace, 'index-events', 'DocumentsIndexed'),
  archived: firehoseMetric(deliveryStream, 'Records'),
})

/** The seconds from arrival until each step was done. */
const lagMetrics = ({ namespace, deliveryStream }: MetricSources): StepMetrics => ({
  folded: productMetric(namespace, 'state', 'FreshnessSeconds'),
  documents: productMetric(namespace, 'index-documents', 'FreshnessSeconds'),
  rawEvents: productMetric(namespace, 'index-events', 'FreshnessSeconds'),
  archived: firehoseMetric(deliveryStream, 'DataFreshness'),
})

/** The age of what each reader left unread when a batch failed. A reader that fails has no new lag. */
const unreadMetrics = ({ namespace }: MetricSources): StepMetrics => ({
  folded: productMetric(namespace, 'state', 'UnreadSeconds'),
  windows: productMetric(namespace, 'windows', 'UnreadSeconds'),
  documents: productMetric(namespace, 'index-documents', 'UnreadSeconds'),
  rawEvents: productMetric(namespace, 'index-events', 'UnreadSeconds'),
})

/**
 * The age of what Lambda hands to each reader, in milliseconds. Lambda measures it before the function runs, so it grows also while
 * the function ends without a log line: it crashes, runs out of memory or times out.
 */
const ageMetrics = ({ readers }: MetricSources): StepMetrics =>
  Object.fromEntries(
    Object.entries(readers)
      .filter(([, name]) => name !== NONE)
      .map(([reader, Value]) => [
        reader,
        { namespace: 'AWS/Lambda', name: 'IteratorAge', dimension: { Name: 'FunctionName', Value } },
      ]),
  )

/** The input of CloudWatch's GetMetricData. */
export interface MetricsQuery {
  readonly StartTime: Date
  readonly EndTime: Date
  readonly MetricDataQueries: MetricDataQuery[]
}

/** The query for the last hour in periods of one minute. `now` in milliseconds since 1970. */
export function planMetrics(sources: MetricSources, now: number): MetricsQuery {
  const end = floorTo(now, MINUTE_MS) + MINUTE_MS
  return {
    StartTime: new Date(end - MINUTES * MINUTE_MS),
    EndTime: new Date(end),
    MetricDataQueries: [
      ...queriesOf('count', countMetrics(sources), 'Sum'),
      ...queriesOf('time', lagMetrics(sources), 'Maximum'),
      ...queriesOf('unread', unreadMetrics(sources), 'Maximum'),
      ...queriesOf('age', ageMetrics(sources), 'Maximum'),
    ],
  }
}

const queriesOf = (prefix: string, metrics: StepMetrics, Stat: string): MetricDataQuery[] =>
  Object.entries(metrics).map(([step, { namespace, name, dimension }]) => ({
    Id: `${prefix}_${step}`,
    MetricStat: {
      Metric: { Namespace: namespace, MetricName: name, Dimensions: [dimension] },
      Period: MINUTE_MS / 1000,
      Stat,
    },
  }))

/** CloudWatch's results by step. A minute without a data point counts as 0. */
export function describeMetrics(
  { StartTime }: MetricsQuery,
  sources: MetricSources,
  results: readonly MetricDataResult[],
): PipelineMetrics {
  const starts = Array.from({ length: MINUTES }, (_, minute) => StartTime.getTime() + minute * MINUTE_MS)
  const countsOf = (step: string): number[] => {
    const points = pointsOf(`count_${step}`, results)
    return starts.map(start => points.get(start) ?? 0)
  }
  const lastMinutes = starts.at(-UNREAD_MINUTES) ?? 0
  const recent = (id: string): number[] =>
    [...pointsOf(id, results)].filter(([start]) => start >= lastMinutes).map(([, value]) => value)
  const lagOf = (step: string): number | null => {
    const points = pointsOf(`time_${step}`, results)
    const readers = readersOf[step] ?? []
    const unread = readers.flatMap(reader => recent(`unread_${reader}`))
    const ages = readers.flatMap(reader => recent(`age_${reader}`)).map(milliseconds => milliseconds / 1000)
    const lags = [points.get(Math.max(...points.keys())) ?? [], unread, ages].flat()
    return lags.length > 0 ? Math.max(...lags) : null
  }
  return {
    minutes: starts.map(start => new Date(start).toISOString()),
    perMinute: byStep(countMetrics(sources), countsOf),
    lagSeconds: byStep(lagMetrics(sources), lagOf),
  }
}

/** The data points of one metric by their time, in milliseconds since 1970. */
function pointsOf(id: string, results: readonly MetricDataResult[]): Map<number, number> {
  const { Timestamps = [], Values = [] } = results.find(({ Id }) => Id === id) ?? {}
  return new Map(Timestamps.map((time, i) => [time.getTime(), Values[i] ?? 0]))
}

const byStep = <Value>(metrics: StepMetrics, measure: (step: string) => Value): Record<string, Value> =>
  Object.fromEntries(Object.keys(metrics).map(step => [step, measure(step)]))

/** Lag in seconds by the store names of GET /v1/health. Null or absent: unknown. */
export type Lags = Readonly<Record<string, number | null>>

/** How far each store was behind at its last write, or is behind because its reader fails. Two functions write to OpenSearch; the slower one counts. */
export function lagsOf({ lagSeconds }: PipelineMetrics): Lags {
  const { folded = null, archived = null, documents = null, rawEvents = null } = lagSeconds
  const search = [documents, rawEvents].filter(lag => lag !== null)
  return { state: folded, archive: archived, search: search.length > 0 ? Math.max(...search) : null }
}
