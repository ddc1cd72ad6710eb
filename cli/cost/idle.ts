import type { Unit } from './prices.ts'
import { prices } from './prices.ts'
import { scheduleUsage } from './schedules.ts'
import { addUsage, HOURS_PER_MONTH, type PartUsage, type Usage } from './usage.ts'

/** A resource of a CloudFormation template. */
export interface TemplateResource {
  readonly Type: string
  // biome-ignore lint/suspicious/noExplicitAny: a template's properties have no types
  readonly Properties?: any
}

/** Alarms that auto-scaling makes for each of its targets. */
const ALARMS_OF_SCALING = 4
/** Metrics that a mapping publishes when it counts its events. */
const METRICS_OF_MAPPING = 6
const HOURS_PER_DAY = 24

type Resources = Readonly<Record<string, TemplateResource>>

/** What a resource costs in a month in which nothing happens. */
const usageOf: Readonly<Record<string, (properties: NonNullable<TemplateResource['Properties']>, all: Resources) => Usage>> = {
  'AWS::Kinesis::Stream': ({ ShardCount, RetentionPeriodHours = HOURS_PER_DAY }) =>
    ShardCount === undefined
      ? { onDemandStreamHours: HOURS_PER_MONTH }
      : {
          shardHours: ShardCount * HOURS_PER_MONTH,
          ...(RetentionPeriodHours > HOURS_PER_DAY && { retentionShardHours: ShardCount * HOURS_PER_MONTH }),
        },
  'AWS::DynamoDB::Table': ({ BillingMode, ProvisionedThroughput }) =>
    BillingMode === 'PAY_PER_REQUEST'
      ? {}
      : {
          provisionedWriteHours: ProvisionedThroughput.WriteCapacityUnits * HOURS_PER_MONTH,
          provisionedReadHours: ProvisionedThroughput.ReadCapacityUnits * HOURS_PER_MONTH,
        },
  'AWS::ApplicationAutoScaling::ScalableTarget': () => ({ alarmMonths: ALARMS_OF_SCALING }),
  'AWS::CloudWatch::Alarm': ({ Metrics = [0] }) => ({
    // An alarm on an expression is billed for each metric in it.
    alarmMonths: Metrics.filter((metric: { MetricStat?: object } | 0) => metric === 0 || metric.MetricStat).length,
  }),
  'AWS::CloudWatch::CompositeAlarm': () => ({ compositeAlarmMonths: 1 }),
  'AWS::CloudWatch::Dashboard': () => ({ dashboardMonths: 1 }),
  'AWS::Lambda::EventSourceMapping': ({ MetricsConfig }) => (MetricsConfig ? { metricMonths: METRICS_OF_MAPPING } : {}),
  'AWS::OpenSearchService::Domain': ({ ClusterConfig: { InstanceCount, InstanceType }, EBSOptions: { VolumeSize } }) => ({
    [nodePrice(InstanceType)]: InstanceCount * HOURS_PER_MONTH,
    searchDiskGbMonths: InstanceCount * VolumeSize,
  }),
  'AWS::Scheduler::Schedule': ({ ScheduleExpression, Target }, all) => {
    const [functionId = ''] = Target.Arn['Fn::GetAtt']
    return scheduleUsage(ScheduleExpression, functionId, all[functionId]?.Properties?.MemorySize)
  },
}

function nodePrice(instance: string): Unit {
  if (instance in prices) return instance as Unit
  throw new Error(`cli/cost/prices.ts has no price of ${instance}. Add it from aws.amazon.com/opensearch-service/pricing.`)
}

/** Names of the parts in the output, by the beginning of the logical ids of their resources. */
const PARTS: readonly (readonly [RegExp, string])[] = [
  [/^EventStream/, 'stream'],
  [/^Search/, 'search'],
  [/./, 'tables'],
]

function partOf(id: string, type: string): string {
  if (/^AWS::(CloudWatch|ApplicationAutoScaling)::|EventSourceMapping$/.test(type)) return 'alarms, dashboard'
  if (type === 'AWS::Scheduler::Schedule') return 'schedules'
  return PARTS.find(([beginning]) => beginning.test(id))?.[1] ?? ''
}

/** What a stage costs in a month in which nothing happens, by part, from its CloudFormation template. */
export function idleUsage(resources: Resources): PartUsage {
  const parts: Record<string, Usage> = {}
  for (const [id, { Type, Properties = {} }] of Object.entries(resources)) {
    const usage = usageOf[Type]?.(Properties, resources)
    if (!usage) continue
    const part = partOf(id, Type)
    parts[part] = addUsage(parts[part] ?? {}, usage)
  }
  return parts
}
