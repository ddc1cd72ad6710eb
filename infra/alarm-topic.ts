import { Aws, Duration } from 'aws-cdk-lib'
import { Alarm, ComparisonOperator, type IAlarm, type IMetric, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { ILogGroup } from 'aws-cdk-lib/aws-logs'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import { Construct } from 'constructs'
import { type FunctionName, NONE } from '../shared/environment.ts'
import { type MetricName, metrics } from '../shared/metrics.ts'
import { stackName } from '../shared/outputs.ts'
import type { AlarmAbout } from './alarm-about.ts'
import type { Settings } from './settings-types.ts'
import { type SilencePlan, silenceAlarm } from './silent-readers.ts'

/** An alarm as its part defines it. It fires at `atLeast` and above, or at `atMost` and below. */
export type AlarmPlan = AlarmAbout & {
  readonly metric: IMetric
  /** Number of consecutive periods of the metric that must be over the threshold. */
  readonly periods: number
} & ({ readonly atLeast: number } | { readonly atMost: number })

/** One graph of the dashboard: metrics of one unit. */
export interface Graph {
  /** The thing and what is measured: `State function: errors and throttles`. */
  readonly title: string
  readonly unit: string
  readonly metrics: readonly IMetric[]
}

/** A graph that CloudWatch draws from log lines, for values with too many names to be metrics. */
export interface LogGraph {
  readonly title: string
  readonly logGroups: readonly ILogGroup[]
  /** Commands of Logs Insights, in order. */
  readonly query: readonly string[]
}

/** A part with its own alarms and graphs. */
export interface Monitored {
  readonly alarms: readonly (AlarmPlan | SilencePlan)[]
  readonly graphs: readonly (Graph | LogGraph)[]
}

/** The period of the metrics in graphs and alarms. */
export const period = Duration.minutes(5)

/** A metric that a function emits through lambdas/handler.ts. */
export const productMetric = (service: FunctionName, metricName: MetricName): Metric =>
  new Metric({
    namespace: Aws.STACK_NAME,
    metricName,
    dimensionsMap: { service },
    statistic: metrics[metricName].unit === 'Seconds' ? 'Maximum' : 'Sum',
    period,
  })

/** The alarms of all parts. They notify one topic when they fire and when they clear. */
export class Alarms extends Construct {
  readonly topic: Topic
  private readonly level: Settings['alarms']['level']

  constructor(scope: Construct, settings: Settings) {
    super(scope, 'Alarms')
    this.level = settings.alarms.level
    this.topic = new Topic(this, 'Topic', { enforceSSL: true })
    // A policy of a topic replaces the default policy, and `enforceSSL` adds a Deny only. Ingest publishes by the policy of its role.
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    )
    if (settings.alarms.email !== NONE) this.topic.addSubscription(new EmailSubscription(settings.alarms.email))
  }

  /** Creates the alarms of these parts, in their order, as far as the stage has them. */
  watch(parts: readonly Monitored[], stage: string): readonly IAlarm[] {
    const prefix = stackName(stage)
    return parts
      .flatMap(part => part.alarms)
      .filter(({ severity }) => this.level === 'all' || (this.level === 'pages' && severity === 'page'))
      .map(plan => {
        const alarm =
          'source' in plan ? silenceAlarm(this, prefix, plan, describe(plan)) : this.metricAlarm(plan, prefix, describe(plan))
        alarm.addAlarmAction(new SnsAction(this.topic))
        alarm.addOkAction(new SnsAction(this.topic))
        return alarm
      })
  }

  private metricAlarm(plan: AlarmPlan, prefix: string, alarmDescription: string): Alarm {
    const { name, metric, periods } = plan
    const { GREATER_THAN_OR_EQUAL_TO_THRESHOLD, LESS_THAN_OR_EQUAL_TO_THRESHOLD } = ComparisonOperator
    return new Alarm(this, name, {
      alarmName: `${prefix} ${name}`,
      alarmDescription,
      metric,
      threshold: 'atLeast' in plan ? plan.atLeast : plan.atMost,
      evaluationPeriods: periods,
      comparisonOperator: 'atLeast' in plan ? GREATER_THAN_OR_EQUAL_TO_THRESHOLD : LESS_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    })
  }
}

const describe = ({ about, severity, name }: AlarmAbout): string =>
  `${about} Severity: ${severity}. Runbook: docs/runbook.md#${name}`
