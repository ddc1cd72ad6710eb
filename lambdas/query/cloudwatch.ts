import { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch'
import { withTimeout } from './deadline.ts'
import { describeFlow, type Flow, type Lags, lagsOf, type MetricSources, planFlow } from './metrics.ts'

/** CloudWatch charges for each metric it is asked for: open consoles share an answer for so long. */
const FLOW_CACHE_TTL_MS = 5_000
/** Anybody may ask for the health, and load balancers do so all day. */
const LAGS_CACHE_TTL_MS = 60_000
const LAGS_TIMEOUT_MS = 1_000

/** Reads how much flows, from CloudWatch; throws when it does not answer. */
export function flowReader(watched: MetricSources, client = new CloudWatchClient({}), now: () => number = Date.now) {
  return cached(FLOW_CACHE_TTL_MS, now, async (): Promise<Flow> => {
    const query = planFlow(watched, now())
    const { MetricDataResults = [] } = await client.send(new GetMetricDataCommand(query))
    return describeFlow(query, watched, MetricDataResults)
  })
}

/** Reads how far each store is behind; knows nothing of any while CloudWatch does not answer. */
export function lagsReader(flow: () => Promise<Flow>, now: () => number = Date.now): () => Promise<Lags> {
  const read = cached(LAGS_CACHE_TTL_MS, now, async () => lagsOf(await withTimeout(LAGS_TIMEOUT_MS, flow())))
  return () => read().catch(() => ({}))
}

/** Reads anew only when what was read is older; a failure is not kept. */
function cached<Value>(milliseconds: number, now: () => number, read: () => Promise<Value>): () => Promise<Value> {
  let known: { readonly until: number; readonly value: Promise<Value> } | undefined
  return () => {
    if (known && known.until > now()) return known.value
    const value = read()
    known = { until: now() + milliseconds, value }
    value.catch(() => {
      known = undefined
    })
    return value
  }
}
