import {
  CloudFormationClient,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  ListStackResourcesCommand,
  ListStacksCommand,
} from '@aws-sdk/client-cloudformation'
import { CloudWatchLogsClient, DeleteLogGroupCommand, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs'
import { DeleteDatabaseCommand, GlueClient } from '@aws-sdk/client-glue'
import { DeleteBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { mockClient } from 'aws-sdk-client-mock'
import { destroyClients } from '../../cli/destroy/clients.ts'
import { destroyStage } from '../../cli/destroy/destroy-stage.ts'
import type { Loss } from '../../cli/destroy/losses.ts'

const LIVE = 'arn:live'
const DELETED = 'arn:deleted'
const named = (name: string, message = '') => Object.assign(new Error(message), { name })
const row = (type: string, id: string) => ({ ResourceType: `AWS::${type}`, LogicalResourceId: id, PhysicalResourceId: id })
const skipped = (type: string, id: string) => ({ ...row(type, id), ResourceStatus: 'DELETE_SKIPPED' as const })

const cloudformation = mockClient(CloudFormationClient)
const s3 = mockClient(S3Client)
const glue = mockClient(GlueClient)
const logs = mockClient(CloudWatchLogsClient)

interface Account {
  readonly buckets?: readonly string[]
  readonly logGroups?: readonly string[]
  readonly isLive?: boolean
}

/** An account with a stack that was deleted and, with `isLive`, another one of the same name. */
function anAccount({ buckets = [], logGroups = [], isLive = true }: Account): void {
  for (const mock of [cloudformation, s3, glue, logs]) mock.reset()
  const stack = { StackName: 'millrace-prod', CreationTime: new Date() }
  const none = named('ValidationError', 'Stack millrace-prod does not exist')
  cloudformation.on(DescribeStacksCommand).rejects(none)
  if (isLive)
    cloudformation
      .on(DescribeStacksCommand, { StackName: 'millrace-prod' })
      .resolves({ Stacks: [{ ...stack, StackId: LIVE, StackStatus: 'UPDATE_COMPLETE' }] })
  cloudformation
    .on(ListStacksCommand)
    .resolves({ StackSummaries: [{ ...stack, StackId: DELETED, StackStatus: 'DELETE_COMPLETE' }] })
  cloudformation.on(ListStackResourcesCommand).resolves({
    StackResourceSummaries: [row('S3::Bucket', 'archive'), row('Glue::Database', 'millrace_prod')].map(each => ({
      ...{ ...each, LastUpdatedTimestamp: new Date(), ResourceStatus: 'CREATE_COMPLETE' as const },
    })),
  })
  const event = { ...{ EventId: '1', StackName: 'millrace-prod', Timestamp: new Date() }, StackId: LIVE }
  cloudformation.on(DescribeStackEventsCommand, { StackName: LIVE }).resolves({
    StackEvents: [skipped('S3::Bucket', 'AccessLogs'), skipped('S3::Bucket', 'AccessLogs')].map(each => ({ ...event, ...each })),
  })
  cloudformation.on(DescribeStackEventsCommand, { StackName: DELETED }).resolves({
    StackEvents: [
      skipped('S3::Bucket', 'earlier-archive'),
      skipped('Glue::Database', 'millrace_prod'),
      skipped('Logs::LogGroup', '/earlier'),
      { ...row('S3::Bucket', 'gone'), ResourceStatus: 'DELETE_COMPLETE' as const },
    ].map(each => ({ ...event, ...each })),
  })
  cloudformation.on(DeleteStackCommand).resolves({})
  s3.on(ListObjectsV2Command).rejects(named('NoSuchBucket'))
  s3.on(DeleteBucketCommand).rejects(named('NoSuchBucket'))
  for (const Bucket of buckets) {
    s3.on(ListObjectsV2Command, { Bucket }).resolves({ KeyCount: 0 })
    s3.on(DeleteBucketCommand, { Bucket }).resolves({})
  }
  glue.on(DeleteDatabaseCommand).rejects(named('EntityNotFoundException'))
  logs.on(DescribeLogGroupsCommand).callsFake(({ logGroupNamePrefix }) => ({
    logGroups: logGroups.flatMap(logGroupName => (logGroupName.startsWith(logGroupNamePrefix) ? [{ logGroupName }] : [])),
  }))
  logs.on(DeleteLogGroupCommand).rejects(named('ResourceNotFoundException'))
  for (const logGroupName of logGroups) logs.on(DeleteLogGroupCommand, { logGroupName }).resolves({})
}

async function destroyProd() {
  const losses: Loss[] = []
  const agree = async (shown: readonly Loss[]) => {
    losses.push(...shown)
    return true
  }
  const destroyed = await destroyStage('prod', destroyClients({ region: 'any' }), { agree, progress: () => undefined, pollMs: 1 })
  return { ...destroyed, losses: losses.map(({ store }) => store) }
}

test('what an update of the stack and an earlier stack of the same name have left is shown and deleted, too', async () => {
  anAccount({ buckets: ['archive', 'AccessLogs', 'earlier-archive'], logGroups: ['/earlier', '/earlier-of-another'] })
  const { losses, deleted, left } = await destroyProd()
  expect(losses).toEqual(['bucket archive', 'bucket earlier-archive', 'bucket AccessLogs', '1 log group'])
  expect(deleted.toSorted()).toEqual(
    [
      ...['stack millrace-prod', 'bucket archive', 'database millrace_prod'],
      ...['bucket AccessLogs', 'bucket earlier-archive', 'log group /earlier'],
    ].sort(),
  )
  expect(left).toEqual([])
})

test('what is gone already is neither shown nor called deleted', async () => {
  anAccount({ buckets: ['archive'] })
  const { losses, deleted } = await destroyProd()
  expect(losses).toEqual(['bucket archive'])
  expect(deleted.toSorted()).toEqual(['bucket archive', 'database millrace_prod', 'stack millrace-prod'])
})

test('a stage of which nothing is left is not asked about, although CloudFormation remembers its stack', async () => {
  anAccount({ isLive: false })
  await expect(destroyProd()).rejects.toThrow('There is no stage prod in this account and region, and nothing is left of it.')
})
