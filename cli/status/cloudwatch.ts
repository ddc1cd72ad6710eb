import { type CloudWatchClient, paginateDescribeAlarms, paginateGetMetricData } from '@aws-sdk/client-cloudwatch'
import { type MetricFacts, metricFacts, planMetrics } from './plan-stage.ts'

/** What CloudWatch knows of the stage with this stack. `now` in milliseconds since 1970. */
export async function readMetrics(client: CloudWatchClient, stack: string, now: number): Promise<MetricFacts> {
  const { sums, recent } = planMetrics(stack, now)
  const values = new Map<string, { Id: string; Timestamps: Date[]; Values: number[] }>()
  for (const input of [sums, recent])
    for await (const { MetricDataResults = [] } of paginateGetMetricData({ client }, input))
      for (const { Id = '', Timestamps = [], Values = [] } of MetricDataResults) {
        const before = values.get(Id)
        values.set(Id, {
          Id,
          Timestamps: [...(before?.Timestamps ?? []), ...Timestamps],
          Values: [...(before?.Values ?? []), ...Values],
        })
      }
  return metricFacts([...values.values()], now)
}

/** The alarms of a stack that are on and notify somebody, without the name of the stack. */
export async function readAlarms(client: CloudWatchClient, stack: string): Promise<string[]> {
  const prefix = `${stack} `
  const on: string[] = []
  const input = { AlarmNamePrefix: prefix, StateValue: 'ALARM', AlarmTypes: ['MetricAlarm', 'CompositeAlarm'] } as const
  for await (const { MetricAlarms = [], CompositeAlarms = [] } of paginateDescribeAlarms(
    { client },
    { ...input, AlarmTypes: [...input.AlarmTypes] },
  ))
    for (const { AlarmName = '', AlarmActions = [] } of [...MetricAlarms, ...CompositeAlarms])
      if (AlarmActions.length > 0) on.push(AlarmName.slice(prefix.length))
  return on
}
