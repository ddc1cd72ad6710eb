import { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch'
import pTimeout from 'p-timeout'
import type { PipelineMetrics } from '../../shared/metrics.ts'
import { describeMetrics, type Lags, lagsOf, type MetricSources, planMetrics } from './metrics.ts'

/** CloudWatch charges for each metric of each request. All open consoles share one result for this time. */
const METRICS_CACHE_TTL_MS = 5_000
/** GET /v1/health needs no key, and load balancers call it continuously. */
const LAGS_CACHE_TTL_MS = 60_000
const LAGS_TIMEOUT_MS = 1_000

/** Returns a cached reader of the last hour's metrics in CloudWatch. It throws when CloudWatch does not respond. */
export function metricsReader(sources: MetricSources, client = new CloudWatchClient({}), now: () => number = Date.now) {
  return cached(METRICS_CACHE_TTL_MS, now, async (): Promise<PipelineMetrics> => {
    const query = planMetrics(sources, now())
    const { MetricDataResults = [] } = await client.send(new GetMetricDataCommand(query))
    return describeMetrics(query, sources, MetricDataResults)
  })
}

/** Returns a cached reader of how far each store is behind. It returns no lags while CloudWatch does not respond. */
export function lagsReader(metrics: () => Promise<PipelineMetrics>, now: () => number = Date.now): () => Promise<Lags> {
  const read = cached(LAGS_CACHE_TTL_MS, now, async () => lagsOf(await pTimeout(metrics(), { milliseconds: LAGS_TIMEOUT_MS })))
  return () => read().catch(() => ({}))
}

/** Caches the result of `read`; concurrent calls share one read. A failure is not cached. */
function cached<Value>(ttlMs: number, now: () => number, read: () => Promise<Value>): () => Promise<Value> {
  let entry: { readonly until: number; readonly value: Promise<Value> } | undefined
  return () => {
    if (entry && entry.until > now()) return entry.value
    const value = read()
    entry = { until: now() + ttlMs, value }
    value.catch(() => {
      entry = undefined
    })
    return value
  }
}
