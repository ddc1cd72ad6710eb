import { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch'
import { describeFlow, type Flow, planFlow, type Watched } from './metrics.ts'

/** CloudWatch charges for each metric it is asked for: open consoles share an answer for so long. */
const BELIEVED_MS = 5_000

/** Reads how much flows, from CloudWatch; throws when it does not answer. */
export function flowReader(watched: Watched, client = new CloudWatchClient({}), now: () => number = Date.now) {
  let known: { readonly until: number; readonly flow: Promise<Flow> } | undefined
  const read = async (): Promise<Flow> => {
    const query = planFlow(watched, now())
    const { MetricDataResults = [] } = await client.send(new GetMetricDataCommand(query))
    return describeFlow(query, watched, MetricDataResults)
  }
  return (): Promise<Flow> => {
    if (known && known.until > now()) return known.flow
    const flow = read()
    known = { until: now() + BELIEVED_MS, flow }
    flow.catch(() => {
      known = undefined
    })
    return flow
  }
}
