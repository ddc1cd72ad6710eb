import { type CloudFormationClient, paginateListStackResources } from '@aws-sdk/client-cloudformation'
import { type CloudWatchClient, paginateGetMetricData } from '@aws-sdk/client-cloudwatch'
import { type Measure, planCalls, type StackResource } from './plan-metrics.ts'

export async function readStackResources(client: CloudFormationClient, stack: string): Promise<StackResource[]> {
  const found: StackResource[] = []
  for await (const { StackResourceSummaries = [] } of paginateListStackResources({ client }, { StackName: stack }))
    for (const {
      LogicalResourceId: logicalId = '',
      PhysicalResourceId: physicalId = '',
      ResourceType: type = '',
    } of StackResourceSummaries)
      found.push({ logicalId, physicalId, type })
  return found
}

/** The sum of each measure between two times. */
export async function readSums(
  client: CloudWatchClient,
  measures: readonly Measure[],
  { from, to }: { readonly from: number; readonly to: number },
): Promise<number[]> {
  const sums = measures.map(() => 0)
  for (const call of planCalls(measures, from, to))
    for await (const { MetricDataResults = [] } of paginateGetMetricData({ client }, call))
      for (const { Id = '', Values = [] } of MetricDataResults) {
        const at = Number(Id.slice(1))
        sums[at] = (sums[at] ?? 0) + Values.reduce((sum, value) => sum + value, 0)
      }
  return sums
}
