import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import type { Context } from 'aws-lambda'
import { type Environment, type FunctionName, readEnvironment } from '../shared/environment.ts'
import { metrics as definitions, type MetricName } from '../shared/metrics.ts'
import type { RejectionCode } from '../shared/rejections.ts'
import { describeError, SafeError } from '../shared/safe-error.ts'
import { originOf } from './origin.ts'

/** What a log line may hold under a name; numbers stay numbers, so that a query can sum them. */
export type Annotation = string | number | readonly Annotation[] | { readonly [name: string]: Annotation }

/** What an invocation says of itself; it becomes the one log line, which CloudWatch also reads as metrics. */
export interface Telemetry {
  /** Adds to a metric, and with a code to the count of that code in the line, which costs no metric of its own. */
  count(metric: MetricName, value: number, code?: RejectionCode): void
  /** Puts a fact into the log line: counts and ids, never payloads or keys. */
  annotate(name: string, value: Annotation): void
}

/**
 * Wraps a function: its environment is read and checked once, at the cold start; each call leaves one log line, whose metrics
 * go to the namespace in POWERTOOLS_METRICS_NAMESPACE. What `start` returns handles the calls: returning means done, throwing
 * means to be delivered again. What is thrown reaches the log, so it goes on in words that quote nothing.
 */
export function defineHandler<F extends FunctionName, Input, Output>(
  name: F,
  start: (environment: Environment<F>) => (input: Input, telemetry: Telemetry) => Promise<Output>,
): (input: Input, context?: Context) => Promise<Output> {
  const handle = start(readEnvironment(name))
  return async (input, context) => {
    const line = newLogLine(name)
    const started = Date.now()
    const { ids, arrived } = originOf(input)
    for (const [fact, value] of Object.entries({ ...(context && { requestId: context.awsRequestId }), ...ids }))
      line.annotate(fact, value)
    try {
      const output = await handle(input, line)
      if (arrived !== undefined) line.count('FreshnessSeconds', Math.round(Date.now() - arrived * 1000) / 1000)
      return output
    } catch (error) {
      const description = describeError(error)
      line.annotate('error', description)
      throw error instanceof SafeError && error.cause === undefined ? error : new SafeError(description)
    } finally {
      line.annotate('milliseconds', Date.now() - started)
      // Lambda's own console would wrap the line into a line of its own, as a text in which no query finds a field.
      process.stdout.write(`${line.text()}\n`)
    }
  }
}

interface LogLine extends Telemetry {
  text(): string
}

/** Sums up what is counted: Powertools would write a line for every hundred values of a metric, with the facts in the first alone. */
function newLogLine(service: FunctionName): LogLine {
  const sums = new Map<MetricName, number>()
  const codes = new Map<RejectionCode, number>()
  const facts = new Map<string, Annotation>()
  const add = <K>(counts: Map<K, number>, key: K, value: number) => counts.set(key, (counts.get(key) ?? 0) + value)
  return {
    count: (metric, value, code) => {
      if (value <= 0) return
      add(sums, metric, value)
      if (code) add(codes, code, value)
    },
    annotate: (name, value) => void facts.set(name, value),
    text: () => {
      const metrics = new Metrics({ serviceName: service })
      for (const [metric, sum] of sums) metrics.addMetric(metric, MetricUnit[definitions[metric].unit], sum)
      const { _aws, ...counted } = metrics.serializeMetrics()
      return JSON.stringify({
        ...(sums.size > 0 && { _aws }),
        ...Object.fromEntries(facts),
        ...(codes.size > 0 && { codes: Object.fromEntries(codes) }),
        ...counted,
      })
    },
  }
}
