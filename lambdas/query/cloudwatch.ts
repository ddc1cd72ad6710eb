import { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch'
import { within } from './deadline.ts'
import { describeFlow, type Flow, type Lags, lagsOf, planFlow, type Watched } from './metrics.ts'

/** CloudWatch charges for each metric it is asked for: open consoles share an answer for so long. */
const FLOW_BELIEVED_MS = 5_000
/** Anybody may ask for the health, and load balancers do so all day. */
const LAGS_BELIEVED_MS = 60_000
const LAGS_TIMEOUT_MS = 1_000

/** Reads how much flows, from CloudWatch; throws when it does not answer. */
export function flowReader(watched: Watched, client = new CloudWatchClient({}), now: () => number = Date.now) {
  return believing(FLOW_BELIEVED_MS, now, async (): Promise<Flow> => {
    const query = planFlow(watched, now())
    const { MetricDataResults = [] } = await client.send(new GetMetricDataCommand(query))
    return describeFlow(query, watched, MetricDataResults)
  })
}

/** Reads how far each store is behind; knows nothing of any while CloudWatch does not answer. */
export function lagsReader(flow: () => Promise<Flow>, now: () => number = Date.now): () => Promise<Lags> {
  const read = believing(LAGS_BELIEVED_MS, now, async () => lagsOf(await within(LAGS_TIMEOUT_MS, flow())))
  return () => read().catch(() => ({}))
}

/** Reads anew only when what was read is older; a failure is not kept. */
function believing<Value>(milliseconds: number, now: () => number, read: () => Promise<Value>): () => Promise<Value> {
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
