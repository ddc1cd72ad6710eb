import { type IMetric, MathExpression } from 'aws-cdk-lib/aws-cloudwatch'
import { type Graph, period, productMetric } from './alarm-topic.ts'
import type { LambdaFunction } from './lambda-function.ts'

/** A metric of milliseconds in seconds, so that all ages on the dashboard compare. */
export const inSeconds = (milliseconds: IMetric, label: string): IMetric =>
  new MathExpression({ expression: 'milliseconds / 1000', usingMetrics: { milliseconds }, label, period })

/** How far behind a stream's reader is: how old events were when it was done with them, and what it has not read. */
export const delayGraph = (title: string, reader: LambdaFunction): Graph => ({
  title,
  unit: 'seconds',
  metrics: [
    productMetric(reader.service, 'FreshnessSeconds').with({ label: 'oldest event when done' }),
    inSeconds(reader.metricDelay(), 'oldest record unread'),
  ],
})

/** Calls that failed or that Lambda did not start, beside what else the functions had to do twice. */
export const failureGraph = (title: string, functions: readonly LambdaFunction[], more: readonly IMetric[] = []): Graph => ({
  title,
  unit: 'count',
  metrics: [
    ...functions.flatMap(fn => [
      fn.metricErrors({ period, statistic: 'Sum', label: `${fn.service} failed` }),
      fn.metricThrottles({ period, statistic: 'Sum', label: `${fn.service} throttled` }),
    ]),
    ...more,
  ],
})
