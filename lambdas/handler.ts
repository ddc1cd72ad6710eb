import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import type { EmfOutput } from '@aws-lambda-powertools/metrics/types'
import type { Context, KinesisStreamBatchResponse } from 'aws-lambda'
import { type Environment, type FunctionName, readEnvironment } from '../shared/environment.ts'
import { metrics as definitions, isByShard, type MetricName } from '../shared/metrics.ts'
import { redactKeys } from '../shared/redact-keys.ts'
import type { RejectionCode } from '../shared/rejections.ts'
import { describeError, SafeError } from '../shared/safe-error.ts'
import { originOf } from './origin.ts'

/** A value in a log line. Numbers are logged as numbers, so that a query can sum them. */
export type Annotation = string | number | readonly Annotation[] | { readonly [name: string]: Annotation }

/** The counts and annotations of one invocation. They become its only log line, from which CloudWatch also reads metrics. */
export interface Telemetry {
  /** Adds to a metric. A code is also counted by itself in the log line, which does not cost an additional metric. */
  count(metric: MetricName, value: number, code?: RejectionCode): void
  /** Adds a value to the log line: counts and ids, never payloads or keys. */
  annotate(name: string, value: Annotation): void
}

/**
 * Defines the handler of a Lambda function. The environment is read and checked once, at the cold start. `start` returns the
 * function that handles invocations: if it throws, the input is delivered again. Each invocation writes one log line, with
 * metrics in the namespace POWERTOOLS_METRICS_NAMESPACE. Lambda logs what is thrown, so errors that may quote payloads are
 * replaced by a description.
 */
export function defineHandler<F extends FunctionName, Input, Output>(
  name: F,
  start: (environment: Environment<F>) => (input: Input, telemetry: Telemetry) => Promise<Output>,
): (input: Input, context?: Pick<Context, 'awsRequestId'>) => Promise<Output> {
  const handle = start(readEnvironment(name))
  return async (input, context) => {
    const line = newLogLine(name)
    const started = Date.now()
    const { ids, arrived, arrivalOf } = originOf(input)
    const measureAge = (metric: 'FreshnessSeconds' | 'UnreadSeconds', seconds: number | undefined): void => {
      if (seconds !== undefined) line.count(metric, Math.round(Date.now() - seconds * 1000) / 1000)
    }
    // A request has the id of the gateway; a second one would be a tenth of its line.
    if (context && !ids['apiRequestId']) line.annotate('requestId', context.awsRequestId)
    for (const [name, value] of Object.entries(ids)) line.annotate(name, value)
    try {
      const output = await handle(input, line)
      const unread = firstUnread(output)
      if (unread === undefined) measureAge('FreshnessSeconds', arrived)
      else measureAge('UnreadSeconds', arrivalOf(unread) ?? arrived)
      return output
    } catch (error) {
      const description = redactKeys(describeError(error))
      line.annotate('error', description)
      measureAge('UnreadSeconds', arrived)
      throw error instanceof SafeError && error.message === description ? error : new SafeError(description)
    } finally {
      line.annotate('milliseconds', Date.now() - started)
      // Not console.log: Lambda would wrap the line as a string into its own JSON, where queries cannot find the fields.
      process.stdout.write(`${redactKeys(line.text())}\n`)
    }
  }
}

/** The sequence number from which on a batch must be delivered again. */
const firstUnread = (output: unknown): string | undefined =>
  (output as Partial<KinesisStreamBatchResponse> | undefined)?.batchItemFailures?.[0]?.itemIdentifier

interface LogLine extends Telemetry {
  text(): string
}

/** Sums the counts: Powertools would write a line per hundred values of a metric, with the annotations only in the first. */
function newLogLine(service: FunctionName): LogLine {
  const sums = new Map<MetricName, number>()
  const codes = new Map<RejectionCode, number>()
  const annotations = new Map<string, Annotation>()
  const add = <K>(counts: Map<K, number>, key: K, value: number) => counts.set(key, (counts.get(key) ?? 0) + value)
  return {
    count: (metric, value, code) => {
      if (value <= 0) return
      add(sums, metric, value)
      if (code) add(codes, code, value)
    },
    annotate: (name, value) => void annotations.set(name, value),
    text: () => {
      const metrics = new Metrics({ serviceName: service })
      for (const [metric, sum] of sums) metrics.addMetric(metric, MetricUnit[definitions[metric].unit], sum)
      const { _aws, ...counted } = metrics.serializeMetrics()
      return JSON.stringify({
        ...(sums.size > 0 && { _aws: annotations.has('shard') ? withShard(_aws) : _aws }),
        ...Object.fromEntries(annotations),
        ...(codes.size > 0 && { codes: Object.fromEntries(codes) }),
        ...counted,
      })
    },
  }
}

/** The metadata of metrics. Those by shard have values for the function, and for the shard that the line names. */
function withShard({ CloudWatchMetrics, ...rest }: EmfOutput['_aws']): object {
  const directives = CloudWatchMetrics.flatMap(directive => [
    { ...directive, Metrics: directive.Metrics.filter(({ Name }) => !isByShard(Name)) },
    {
      ...directive,
      Dimensions: [['service'], ['service', 'shard']],
      Metrics: directive.Metrics.filter(({ Name }) => isByShard(Name)),
    },
  ])
  return { ...rest, CloudWatchMetrics: directives.filter(({ Metrics }) => Metrics.length > 0) }
}
