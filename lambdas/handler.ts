import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import type { Context } from 'aws-lambda'
import { type Environment, type FunctionName, readEnvironment } from '../shared/environment.ts'
import { metrics as definitions, METRICS_NAMESPACE, type MetricName } from '../shared/metrics.ts'

/** What an invocation says of itself; it becomes the one log line, which CloudWatch also reads as metrics. */
export interface Told {
  /** Adds to a metric. */
  count(metric: MetricName, value: number): void
  /** Puts a fact into the log line: counts and ids, never payloads or keys. */
  note(name: string, value: string | number): void
}

/**
 * Wraps a function: its environment is read and checked once, at the cold start; each call leaves one log line.
 * What `start` returns handles the calls: returning means done, throwing means to be delivered again.
 */
export function handler<F extends FunctionName, Input, Output>(
  name: F,
  start: (environment: Environment<F>) => (input: Input, told: Told) => Promise<Output>,
): (input: Input, context?: Context) => Promise<Output> {
  const handle = start(readEnvironment(name))
  return async (input, context) => {
    const metrics = new Metrics({ namespace: METRICS_NAMESPACE, serviceName: name })
    const started = Date.now()
    const told: Told = {
      count: (metric, value) => void (value > 0 && metrics.addMetric(metric, MetricUnit[definitions[metric].unit], value)),
      note: (fact, value) => void metrics.addMetadata(fact, String(value)),
    }
    if (context) told.note('requestId', context.awsRequestId)
    try {
      return await handle(input, told)
    } catch (error) {
      told.note('error', error instanceof Error ? `${error.name}: ${error.message}` : String(error))
      throw error
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
