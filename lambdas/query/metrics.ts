import type { Dimension, MetricDataQuery, MetricDataResult } from '@aws-sdk/client-cloudwatch'
import type { FunctionName } from '../../shared/environment.ts'
import type { MetricName } from '../../shared/metrics.ts'

/** How much went through each part of the journey in each minute, and how long it lately took to get there. */
export interface Flow {
  /** Starts of the minutes, oldest first; the last is not over. */
  readonly minutes: readonly string[]
  /** By part: one value for each minute. */
  readonly perMinute: Readonly<Record<string, readonly number[]>>
  /** By part: seconds from arrival until done, the newest known; null: nothing was done lately. */
  readonly lagSeconds: Readonly<Record<string, number | null>>
}

/** Whose metrics are read. */
export interface MetricSources {
  readonly namespace: string
  readonly deliveryStream: string
}

const MINUTE_MS = 60_000
const MINUTES = 60

interface Metric {
  readonly namespace: string
  readonly name: string
  readonly dimension: Dimension
}

const own = (namespace: string, service: FunctionName, name: MetricName): Metric => ({
  namespace,
  name,
  dimension: { Name: 'service', Value: service },
})

const firehose = (stream: string, name: string): Metric => ({
  namespace: 'AWS/Firehose',
  name: `DeliveryToS3.${name}`,
  dimension: { Name: 'DeliveryStreamName', Value: stream },
})

/** What each part counts. */
const counted = ({ namespace, deliveryStream }: MetricSources): Readonly<Record<string, Metric>> => ({
  accepted: own(namespace, 'ingest', 'EventsAccepted'),
  quarantined: own(namespace, 'ingest', 'EventsQuarantined'),
  folded: own(namespace, 'state', 'EventsFolded'),
  documents: own(namespace, 'index-documents', 'DocumentsIndexed'),
  rawEvents: own(namespace, 'index-events', 'DocumentsIndexed'),
  archived: firehose(deliveryStream, 'Records'),
})

/** How long each part takes. */
const timed = ({ namespace, deliveryStream }: MetricSources): Readonly<Record<string, Metric>> => ({
  folded: own(namespace, 'state', 'FreshnessSeconds'),
  documents: own(namespace, 'index-documents', 'FreshnessSeconds'),
  rawEvents: own(namespace, 'index-events', 'FreshnessSeconds'),
  archived: firehose(deliveryStream, 'DataFreshness'),
})

export interface FlowQuery {
  readonly StartTime: Date
  readonly EndTime: Date
  readonly MetricDataQueries: MetricDataQuery[]
}

/** What CloudWatch is asked: the last hour by minutes. `now` in milliseconds since 1970. */
export function planFlow(watched: MetricSources, now: number): FlowQuery {
  const end = (Math.floor(now / MINUTE_MS) + 1) * MINUTE_MS
  const ask = (prefix: string, metrics: Readonly<Record<string, Metric>>, Stat: string): MetricDataQuery[] =>
    Object.entries(metrics).map(([part, { namespace, name, dimension }]) => ({
      Id: `${prefix}_${part}`,
      MetricStat: {
        Metric: { Namespace: namespace, MetricName: name, Dimensions: [dimension] },
        Period: MINUTE_MS / 1000,
        Stat,
      },
    }))
  return {
    StartTime: new Date(end - MINUTES * MINUTE_MS),
    EndTime: new Date(end),
    MetricDataQueries: [...ask('count', counted(watched), 'Sum'), ...ask('time', timed(watched), 'Maximum')],
  }
}

/** CloudWatch's answer by part; a minute of which it knows nothing had nothing. */
export function describeFlow({ StartTime }: FlowQuery, watched: MetricSources, results: readonly MetricDataResult[]): Flow {
  const starts = Array.from({ length: MINUTES }, (_, minute) => StartTime.getTime() + minute * MINUTE_MS)
  const valuesOf = (id: string): Map<number, number> => {
    const { Timestamps = [], Values = [] } = results.find(({ Id }) => Id === id) ?? {}
    return new Map(Timestamps.map((at, i) => [at.getTime(), Values[i] ?? 0]))
  }
  const byMinute = (part: string): number[] => {
    const values = valuesOf(`count_${part}`)
    return starts.map(start => values.get(start) ?? 0)
  }
  const newest = (part: string): number | null => {
    const values = valuesOf(`time_${part}`)
    return values.get(Math.max(...values.keys())) ?? null
  }
  const each = <Value>(parts: object, value: (part: string) => Value): Record<string, Value> =>
    Object.fromEntries(Object.keys(parts).map(part => [part, value(part)]))
  return {
    minutes: starts.map(start => new Date(start).toISOString()),
    perMinute: each(counted(watched), byMinute),
    lagSeconds: each(timed(watched), newest),
  }
}

/** Seconds by store of GET /v1/health; a store that is not named is not known. */
export type Lags = Readonly<Record<string, number | null>>

/** How far each store was behind when it last took something; OpenSearch as far as the slower of the two that write to it. */
export function lagsOf({ lagSeconds: { folded = null, archived = null, documents = null, rawEvents = null } }: Flow): Lags {
  const search = [documents, rawEvents].filter(lag => lag !== null)
  return { state: folded, archive: archived, search: search.length > 0 ? Math.max(...search) : null }
}
