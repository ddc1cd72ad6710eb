import type { GetMetricDataCommandInput, MetricDataQuery } from '@aws-sdk/client-cloudwatch'
import type { TemplateResource } from './idle.ts'
import type { Unit } from './prices.ts'
import { firehoseBytesOf, GIB } from './units.ts'
import { addUsage, type PartUsage, type Usage } from './usage.ts'

/** A resource of a deployed stack. */
export interface StackResource {
  readonly logicalId: string
  readonly physicalId: string
  readonly type: string
}

/** A metric of a resource, summed over the time that is measured. */
export interface Measure {
  readonly part: string
  readonly namespace: string
  readonly metric: string
  readonly dimensions: Readonly<Record<string, string>>
  readonly unit: Unit | 'events' | 'archiveRecords' | 'archiveBytes'
  /** Units for each 1 of the metric. */
  readonly factor: number
}

const MB_PER_GB = 1024
const MILLISECONDS = 1000
const HOUR_MS = 3_600_000
const HOUR_SECONDS = 3600

type Kind = (resource: StackResource, properties: NonNullable<TemplateResource['Properties']>) => Omit<Measure, 'part'>[]

/** What CloudWatch knows of the use of each type of resource. */
const measuresOf: Readonly<Record<string, Kind>> = {
  'AWS::ApiGatewayV2::Api': ({ physicalId }) => [
    { namespace: 'AWS/ApiGateway', metric: 'Count', dimensions: { ApiId: physicalId }, unit: 'apiRequests', factor: 1 },
  ],
  'AWS::Lambda::Function': ({ physicalId }, { MemorySize = 128 }) => {
    const of = { namespace: 'AWS/Lambda', dimensions: { FunctionName: physicalId } }
    return [
      { ...of, metric: 'Invocations', unit: 'invocations', factor: 1 },
      { ...of, metric: 'Duration', unit: 'computeGbSeconds', factor: MemorySize / MB_PER_GB / MILLISECONDS },
    ]
  },
  'AWS::Logs::LogGroup': ({ physicalId }) => [
    { namespace: 'AWS/Logs', metric: 'IncomingBytes', dimensions: { LogGroupName: physicalId }, unit: 'logGb', factor: 1 / GIB },
  ],
  'AWS::Kinesis::Stream': ({ physicalId }, { ShardCount }) => {
    const of = { namespace: 'AWS/Kinesis', dimensions: { StreamName: physicalId } }
    // Records of more than 25 KB are rare, and use one unit more for each.
    if (ShardCount !== undefined) return [{ ...of, metric: 'IncomingRecords', unit: 'putUnits', factor: 1 }]
    return [
      { ...of, metric: 'IncomingBytes', unit: 'onDemandInGb', factor: 1 / GIB },
      { ...of, metric: 'GetRecords.Bytes', unit: 'onDemandOutGb', factor: 1 / GIB },
    ]
  },
  'AWS::DynamoDB::Table': ({ physicalId }, { BillingMode }) => {
    // The capacity of a provisioned table is billed, whatever is used of it.
    if (BillingMode !== 'PAY_PER_REQUEST') return []
    const of = { namespace: 'AWS/DynamoDB', dimensions: { TableName: physicalId } }
    return [
      { ...of, metric: 'ConsumedWriteCapacityUnits', unit: 'writeUnits', factor: 1 },
      { ...of, metric: 'ConsumedReadCapacityUnits', unit: 'readUnits', factor: 1 },
    ]
  },
  'AWS::KinesisFirehose::DeliveryStream': ({ physicalId }) => {
    const of = { namespace: 'AWS/Firehose', dimensions: { DeliveryStreamName: physicalId } }
    return [
      { ...of, metric: 'DataReadFromKinesisStream.Records', unit: 'archiveRecords', factor: 1 },
      { ...of, metric: 'DataReadFromKinesisStream.Bytes', unit: 'archiveBytes', factor: 1 },
    ]
  },
}

/** Names of parts by the beginning of logical ids. */
const PARTS: readonly (readonly [beginning: string, part: string])[] = [
  ...([
    ['Api', 'api'],
    ['Ingest', 'ingest'],
    ['EventStream', 'stream'],
    ['State', 'state'],
    ['Windows', 'windows'],
  ] as const),
  ...([
    ['Search', 'search'],
    ['Archive', 'archive'],
    ['Compaction', 'archive'],
    ['Keys', 'ingest'],
  ] as const),
]
const partOf = (id: string): string => PARTS.find(([beginning]) => id.startsWith(beginning))?.[1] ?? 'others'

export function planMeasures(
  resources: readonly StackResource[],
  template: Readonly<Record<string, TemplateResource>>,
): Measure[] {
  const measures = resources.flatMap(resource =>
    (measuresOf[resource.type]?.(resource, template[resource.logicalId]?.Properties ?? {}) ?? []).map(measure => ({
      part: partOf(resource.logicalId),
      ...measure,
    })),
  )
  return measures
}

/** The events that ingest accepted, by the metric of the product. */
export const acceptedEvents = (stack: string): Measure => ({
  ...{ part: 'ingest', namespace: stack, metric: 'EventsAccepted', dimensions: { service: 'ingest' }, unit: 'events', factor: 1 },
})

const MAX_QUERIES = 500

/** The calls that read the sums of these measures between two times, whole hours, in milliseconds since 1970. */
export function planCalls(measures: readonly Measure[], from: number, to: number): GetMetricDataCommandInput[] {
  const queries: MetricDataQuery[] = measures.map(({ namespace, metric, dimensions }, at) => ({
    Id: `m${at}`,
    MetricStat: {
      Metric: {
        Namespace: namespace,
        MetricName: metric,
        Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
      },
      Period: HOUR_SECONDS,
      Stat: 'Sum',
    },
  }))
  const calls = Array.from({ length: Math.ceil(queries.length / MAX_QUERIES) }, (_, i) =>
    queries.slice(i * MAX_QUERIES, (i + 1) * MAX_QUERIES),
  )
  return calls.map(MetricDataQueries => ({ MetricDataQueries, StartTime: new Date(from), EndTime: new Date(to) }))
}

/** The whole hours before `now`. */
export const lastHours = (hours: number, now: number): { readonly from: number; readonly to: number } => {
  const to = Math.floor(now / HOUR_MS) * HOUR_MS
  return { from: to - hours * HOUR_MS, to }
}

/** The events and the usage by part, from the sum of each measure. */
export function measuredUsage(measures: readonly Measure[], sums: readonly number[]): { events: number; parts: PartUsage } {
  const parts: Record<string, Usage> = {}
  const others: Record<'events' | 'archiveRecords' | 'archiveBytes', number> = { events: 0, archiveRecords: 0, archiveBytes: 0 }
  for (const [at, { part, unit, factor }] of measures.entries()) {
    const amount = (sums[at] ?? 0) * factor
    if (unit === 'events' || unit === 'archiveRecords' || unit === 'archiveBytes') others[unit] += amount
    else parts[part] = addUsage(parts[part] ?? {}, { [unit]: amount })
  }
  const { events, archiveRecords, archiveBytes } = others
  const gb = archiveRecords === 0 ? 0 : (archiveRecords * firehoseBytesOf(archiveBytes / archiveRecords)) / GIB
  return { events, parts: { ...parts, archive: addUsage(parts['archive'] ?? {}, { firehoseGb: gb, conversionGb: gb }) } }
}
