import { Duration } from 'aws-cdk-lib'
import {
  Alarm,
  AlarmRule,
  ComparisonOperator,
  CompositeAlarm,
  type IAlarm,
  type Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import type { Construct } from 'constructs'
import type { AlarmAbout } from './alarm-about.ts'

/** What a stream gets. Readers of one stream share its alarms. */
export interface Source {
  readonly name: string
  readonly arrived: Metric
}

/** An alarm on a reader that reads nothing while its source gets records: it lost its rights, or it is disabled. */
export interface SilencePlan extends AlarmAbout {
  readonly source: Source
  /** What the reader has read. Without a data point, it has read nothing. */
  readonly read: Metric
}

/** Three periods of five minutes find the silence on a busy stage soon, three of an hour find it where few events come. */
const PERIODS = { '5m': Duration.minutes(5), '1h': Duration.hours(1) }
const EVALUATED = 3
/**
 * In this many of the three periods, records must have arrived. One is not enough: what arrives at the end of the last period is read
 * in the next.
 */
const ARRIVED = 2

/**
 * The alarm of a plan, from alarms of the reader and of its source over the same periods. Only the composite notifies: an idle stage
 * reads nothing, and that is no failure.
 */
export function silenceAlarm(scope: Construct, prefix: string, plan: SilencePlan, alarmDescription: string): CompositeAlarm {
  const rules = Object.entries(PERIODS).map(([id, period]) => {
    const silent = new Alarm(scope, `${plan.name}-${id}`, {
      alarmName: `${prefix} ${plan.name} (${id}: nothing read)`,
      alarmDescription: `Part of the alarm ${plan.name}: notifies nobody, and is on while the stage is idle.`,
      metric: plan.read.with({ period, statistic: 'Sum' }),
      threshold: 0,
      evaluationPeriods: EVALUATED,
      comparisonOperator: ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.BREACHING,
    })
    return AlarmRule.allOf(silent, arrivalAlarm(scope, prefix, plan.source, id, period))
  })
  return new CompositeAlarm(scope, plan.name, {
    compositeAlarmName: `${prefix} ${plan.name}`,
    alarmDescription,
    alarmRule: AlarmRule.anyOf(...rules),
  })
}

/** Is on while records arrive at a source. */
function arrivalAlarm(scope: Construct, prefix: string, { name, arrived }: Source, id: string, period: Duration): IAlarm {
  const existing = scope.node.tryFindChild(`${name}-arrivals-${id}`)
  if (existing) return existing as Alarm
  return new Alarm(scope, `${name}-arrivals-${id}`, {
    alarmName: `${prefix} ${name} (${id}: records arrive)`,
    alarmDescription: `Part of the alarms on the readers of ${name}: notifies nobody, and is on while records arrive.`,
    metric: arrived.with({ period, statistic: 'Sum' }),
    threshold: 1,
    evaluationPeriods: EVALUATED,
    datapointsToAlarm: ARRIVED,
    comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  })
}
