import { Aws, Duration } from 'aws-cdk-lib'
import { Alarm, ComparisonOperator, type IMetric, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import { Construct } from 'constructs'
import { type FunctionName, NONE } from '../shared/environment.ts'
import { type MetricName, metrics } from '../shared/metrics.ts'
import { stackName } from '../shared/outputs.ts'
import type { Settings } from './settings.ts'

/** An alarm as its part defines it. */
export interface AlarmPlan {
  /** The heading in docs/runbook.md that says what to do. */
  readonly name: string
  /** What is wrong, in one sentence. */
  readonly about: string
  readonly metric: IMetric
  readonly atLeast: number
  /** How many periods of the metric in a row. */
  readonly periods: number
}

/** One graph of the dashboard. */
export interface Graph {
  readonly title: string
  readonly left: readonly IMetric[]
  readonly right?: readonly IMetric[]
}

/** A part that says itself what is watched about it. */
export interface Watched {
  readonly alarms: readonly AlarmPlan[]
  readonly graphs: readonly Graph[]
}

/** A metric that a function emits through lambdas/handler.ts. */
export const productMetric = (service: FunctionName, metricName: MetricName): Metric =>
  new Metric({
    namespace: Aws.STACK_NAME,
    metricName,
    dimensionsMap: { service },
    statistic: metrics[metricName].unit === 'Seconds' ? 'Maximum' : 'Sum',
    period: Duration.minutes(5),
  })

/** The alarms of all parts, sent to one topic. */
export class Alarms extends Construct {
  readonly topic: Topic

  constructor(scope: Construct, parts: readonly Watched[], { stage, settings }: { stage: string; settings: Settings }) {
    super(scope, 'Alarms')
    this.topic = new Topic(this, 'Topic', { enforceSSL: true })
    if (settings.alarms.email !== NONE) this.topic.addSubscription(new EmailSubscription(settings.alarms.email))
    for (const plan of parts.flatMap(part => part.alarms)) this.add(plan, stage)
  }

  private add({ name, about, metric, atLeast, periods }: AlarmPlan, stage: string): void {
    const alarm = new Alarm(this, name, {
      alarmName: `${stackName(stage)} ${name}`,
      alarmDescription: `${about} What to do: docs/runbook.md, ${name}.`,
      metric,
      threshold: atLeast,
      evaluationPeriods: periods,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    })
    alarm.addAlarmAction(new SnsAction(this.topic))
    alarm.addOkAction(new SnsAction(this.topic))
  }
}
