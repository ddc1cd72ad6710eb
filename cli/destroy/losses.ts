import { DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs'
import { DescribeTableCommand } from '@aws-sdk/client-dynamodb'
import { DescribeStreamSummaryCommand } from '@aws-sdk/client-kinesis'
import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import type { DestroyClients } from './clients.ts'
import { unlessMissing } from './missing.ts'
import { type Destruction, resourceNames } from './plan-destroy.ts'

/** What a deletion loses for good. */
export interface Loss {
  readonly store: string
  readonly contents: string
}

const counted = (number: number | undefined, what: string, more = ''): string =>
  `${(number ?? 0).toLocaleString('en')}${more} ${what}${number === 1 && !more ? '' : 's'}`

/** What the stores contain now. Stores that do not exist any more are left out. */
export async function lossesOf({ s3, dynamodb, kinesis, logs }: DestroyClients, plan: Destruction): Promise<Loss[]> {
  const losses: Loss[] = []
  const add = (store: string, contents: string | undefined) => contents !== undefined && losses.push({ store, contents })
  for (const Bucket of plan.buckets) {
    const page = await unlessMissing(s3.send(new ListObjectsV2Command({ Bucket })))
    add(resourceNames.buckets(Bucket), page && counted(page.KeyCount, 'object', page.IsTruncated ? ' or more' : ''))
  }
  for (const TableName of plan.tables) {
    const found = await unlessMissing(dynamodb.send(new DescribeTableCommand({ TableName })))
    add(resourceNames.tables(TableName), found && `about ${counted(found.Table?.ItemCount, 'item')}`)
  }
  for (const StreamName of plan.streams) {
    const found = await unlessMissing(kinesis.send(new DescribeStreamSummaryCommand({ StreamName })))
    const hours = found?.StreamDescriptionSummary?.RetentionPeriodHours
    add(resourceNames.streams(StreamName), found && `the events of the last ${hours} hours`)
  }
  for (const domain of plan.domains) add(resourceNames.domains(domain), 'all documents, and recent raw events')
  const logGroups = await existingLogGroups(logs, plan.logGroups)
  if (logGroups.length > 0) add(counted(logGroups.length, 'log group'), 'all log lines')
  return losses
}

async function existingLogGroups(logs: DestroyClients['logs'], names: readonly string[]): Promise<string[]> {
  const existing: string[] = []
  for (const name of names) {
    // The first group that begins with a name is the one with this name, if there is one.
    const { logGroups = [] } = await logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: name }))
    if (logGroups.some(({ logGroupName }) => logGroupName === name)) existing.push(name)
  }
  return existing
}
