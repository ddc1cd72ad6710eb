import { type IMetric, MathExpression } from 'aws-cdk-lib/aws-cloudwatch'
import { type Graph, period, productMetric } from './alarm-topic.ts'
import type { LambdaFunction } from './lambda-function.ts'

/** Converts a metric from milliseconds to seconds, so that all ages on the dashboard have one unit. */
export const inSeconds = (milliseconds: IMetric, label: string): IMetric =>
  new MathExpression({ expression: 'milliseconds / 1000', usingMetrics: { milliseconds }, label, period })

/** The lag of a stream reader: the age of events when it finished them, and the age of its oldest unread record. */
export const lagGraph = (title: string, reader: LambdaFunction): Graph => ({
  title,
  unit: 'seconds',
  metrics: [
    productMetric(reader.service, 'FreshnessSeconds').with({ label: 'oldest event when processed' }),
    productMetric(reader.service, 'UnreadSeconds').with({ label: 'oldest record of a failed batch' }),
    inSeconds(reader.metricDelay(), 'oldest unread record'),
  ],
})

/** Errors and throttles of functions, with further metrics of failed or repeated work. */
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
