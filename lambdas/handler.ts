import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import type { Context } from 'aws-lambda'
import { type Environment, type FunctionName, readEnvironment } from '../shared/environment.ts'
import { metrics as definitions, type MetricName } from '../shared/metrics.ts'
import { describeError, SafeError } from '../shared/safe-error.ts'
import { originOf } from './input.ts'

/** What an invocation says of itself; it becomes the one log line, which CloudWatch also reads as metrics. */
export interface Told {
  /** Adds to a metric. */
  count(metric: MetricName, value: number): void
  /** Puts a fact into the log line: counts and ids, never payloads or keys. */
  note(name: string, value: string | number): void
}

/**
 * Wraps a function: its environment is read and checked once, at the cold start; each call leaves one log line, whose metrics
 * go to the namespace in POWERTOOLS_METRICS_NAMESPACE. What `start` returns handles the calls: returning means done, throwing
 * means to be delivered again. What is thrown reaches the log, so it goes on in words that quote nothing.
 */
export function handler<F extends FunctionName, Input, Output>(
  name: F,
  start: (environment: Environment<F>) => (input: Input, told: Told) => Promise<Output>,
): (input: Input, context?: Context) => Promise<Output> {
  const handle = start(readEnvironment(name))
  return async (input, context) => {
    const metrics = new Metrics({ serviceName: name })
    const started = Date.now()
    const told: Told = {
      count: (metric, value) => void (value > 0 && metrics.addMetric(metric, MetricUnit[definitions[metric].unit], value)),
      note: (fact, value) => void metrics.addMetadata(fact, String(value)),
    }
    const { ids, arrived } = originOf(input)
    for (const [fact, value] of Object.entries({ ...(context && { requestId: context.awsRequestId }), ...ids }))
      told.note(fact, value)
    try {
      const output = await handle(input, told)
      if (arrived !== undefined) told.count('FreshnessSeconds', Date.now() / 1000 - arrived)
      return output
    } catch (error) {
      const description = describeError(error)
      told.note('error', description)
      throw error instanceof SafeError && error.cause === undefined ? error : new SafeError(description)
    } finally {
      told.note('milliseconds', Date.now() - started)
      if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics()
      else console.log(JSON.stringify({ service: name, ...logged(metrics) }))
    }
  }
}

const logged = (metrics: Metrics): Record<string, unknown> => {
  const { _aws, ...facts } = metrics.serializeMetrics() as Record<string, unknown>
  return facts
}
