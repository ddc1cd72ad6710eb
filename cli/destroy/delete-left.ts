import { DeleteLogGroupCommand } from '@aws-sdk/client-cloudwatch-logs'
import { DeleteTableCommand, DescribeTableCommand, type DynamoDBClient, UpdateTableCommand } from '@aws-sdk/client-dynamodb'
import { DeleteDatabaseCommand } from '@aws-sdk/client-glue'
import { DeleteStreamCommand, DescribeStreamSummaryCommand } from '@aws-sdk/client-kinesis'
import type { DestroyClients } from './clients.ts'
import { unlessMissing, untilMissing } from './missing.ts'
import type { Destruction } from './plan-destroy.ts'
import { deleteBucket } from './s3.ts'

/** Deletes the stores that the deletion of the stack left, and waits until they are gone. */
export async function deleteLeft(
  clients: DestroyClients,
  { tables, streams, buckets, databases, logGroups }: Destruction,
  pollMs: number,
): Promise<void> {
  const { dynamodb, kinesis, s3, glue, logs } = clients
  for (const table of tables) await deleteTable(dynamodb, table, pollMs)
  for (const StreamName of streams) {
    await unlessMissing(kinesis.send(new DeleteStreamCommand({ StreamName, EnforceConsumerDeletion: true })))
    const read = () => kinesis.send(new DescribeStreamSummaryCommand({ StreamName }))
    await untilMissing(`the stream ${StreamName}`, read, pollMs)
  }
  for (const bucket of buckets) await deleteBucket(s3, bucket)
  for (const Name of databases) await unlessMissing(glue.send(new DeleteDatabaseCommand({ Name })))
  // The last, because the deletion of a function can write to its log.
  for (const logGroupName of logGroups) await unlessMissing(logs.send(new DeleteLogGroupCommand({ logGroupName })))
}

async function deleteTable(client: DynamoDBClient, TableName: string, pollMs: number): Promise<void> {
  const read = () => client.send(new DescribeTableCommand({ TableName }))
  const found = await unlessMissing(read())
  if (!found) return
  if (found.Table?.DeletionProtectionEnabled)
    await client.send(new UpdateTableCommand({ TableName, DeletionProtectionEnabled: false }))
  if (found.Table?.TableStatus !== 'DELETING') await unlessMissing(client.send(new DeleteTableCommand({ TableName })))
  await untilMissing(`the table ${TableName}`, read, pollMs)
}
