import { CloudWatchLogsClient, DeleteLogGroupCommand } from '@aws-sdk/client-cloudwatch-logs'
import { DeleteTableCommand, DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DeleteDatabaseCommand, GlueClient } from '@aws-sdk/client-glue'
import { DeleteStreamCommand, DescribeStreamSummaryCommand, KinesisClient } from '@aws-sdk/client-kinesis'
import { DeleteBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { mockClient } from 'aws-sdk-client-mock'
import { destroyClients } from '../../cli/destroy/clients.ts'
import { deleteLeft } from '../../cli/destroy/delete-left.ts'
import { planDestruction, resourcesOf } from '../../cli/destroy/plan-destroy.ts'

const named = (name: string, message = '') => Object.assign(new Error(message), { name })
const resource = (type: string, id: string) => ({ type: `AWS::${type}`, logicalId: id, id })

const plan = planDestruction([
  resource('DynamoDB::Table', 'State'),
  resource('DynamoDB::Table', 'Gone'),
  resource('Kinesis::Stream', 'Events'),
  resource('S3::Bucket', 'archive'),
  resource('Glue::Database', 'millrace_dev'),
  resource('Logs::LogGroup', '/ingest'),
  resource('Logs::LogGroup', '/state'),
])

const dynamodb = mockClient(DynamoDBClient)
const kinesis = mockClient(KinesisClient)
const s3 = mockClient(S3Client)
const glue = mockClient(GlueClient)
const logs = mockClient(CloudWatchLogsClient)
const missing = named('ResourceNotFoundException')
beforeEach(() => {
  for (const mock of [dynamodb, kinesis, s3, glue, logs]) mock.reset()
  dynamodb.on(DescribeTableCommand).rejects(missing)
  dynamodb.on(DescribeTableCommand, { TableName: 'State' }).resolvesOnce({ Table: {} }).rejects(missing)
  dynamodb.on(DeleteTableCommand).resolves({})
  kinesis.on(DeleteStreamCommand).resolves({})
  kinesis.on(DescribeStreamSummaryCommand).rejects(missing)
  s3.on(ListObjectsV2Command).resolves({})
  s3.on(DeleteBucketCommand).resolves({})
  glue.on(DeleteDatabaseCommand).resolves({})
  logs.on(DeleteLogGroupCommand).resolves({})
})

const clients = destroyClients({ region: 'eu-west-1' })
const all = ['table State', 'stream Events', 'bucket archive', 'database millrace_dev', 'log group /ingest', 'log group /state']

test('names what it has deleted, not what was gone already', async () => {
  expect(await deleteLeft(clients, plan, 1)).toEqual({ deleted: all, left: [] })
  expect(resourcesOf(plan)).toEqual(expect.arrayContaining([...all, 'table Gone']))
})

test('what AWS does not delete is left, with the reason, and does not keep the others', async () => {
  s3.on(DeleteBucketCommand).rejects(named('AccessDenied', 'not authorized'))
  logs.on(DeleteLogGroupCommand, { logGroupName: '/ingest' }).rejects(named('OperationAbortedException', 'in use'))
  expect(await deleteLeft(clients, plan, 1)).toEqual({
    deleted: ['table State', 'stream Events', 'database millrace_dev', 'log group /state'],
    left: [
      { resource: 'bucket archive', why: 'AccessDenied: not authorized' },
      { resource: 'log group /ingest', why: 'OperationAbortedException: in use' },
    ],
  })
})
