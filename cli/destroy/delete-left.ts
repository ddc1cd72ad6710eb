import { DeleteLogGroupCommand } from '@aws-sdk/client-cloudwatch-logs'
import { DeleteTableCommand, DescribeTableCommand, type DynamoDBClient, UpdateTableCommand } from '@aws-sdk/client-dynamodb'
import { DeleteDatabaseCommand } from '@aws-sdk/client-glue'
import { DeleteStreamCommand, DescribeStreamSummaryCommand, type KinesisClient } from '@aws-sdk/client-kinesis'
import { UserError } from '../../shared/user-error.ts'
import type { DestroyClients } from './clients.ts'
import { unlessMissing, untilMissing } from './missing.ts'
import { type Destruction, resourceNames } from './plan-destroy.ts'
import { deleteBucket } from './s3.ts'

/** What a deletion has done. `left`: what it could not delete, which may go on billing. */
export interface Destroyed {
  readonly deleted: readonly string[]
  readonly left: readonly { readonly resource: string; readonly why: string }[]
}

interface Removal {
  readonly resource: string
  /** Returns a value if the resource was there, and undefined if it was not. */
  readonly remove: () => Promise<unknown>
}

/**
 * Deletes the stores that the deletion of the stack left, and waits until they are gone. One that cannot be deleted does not keep the
 * others.
 */
export async function deleteLeft(clients: DestroyClients, plan: Destruction, pollMs: number): Promise<Destroyed> {
  const deleted: string[] = []
  const left: { resource: string; why: string }[] = []
  for (const { resource, remove } of removals(clients, plan, pollMs))
    try {
      if ((await remove()) !== undefined) deleted.push(resource)
    } catch (error) {
      left.push({ resource, why: whyOf(error as Error) })
    }
  return { deleted, left }
}

const whyOf = (error: Error): string => (error instanceof UserError ? error.message : `${error.name}: ${error.message}`)

function removals(
  { dynamodb, kinesis, s3, glue, logs }: DestroyClients,
  { tables, streams, buckets, databases, logGroups }: Destruction,
  pollMs: number,
): Removal[] {
  const each = (ids: readonly string[], name: (id: string) => string, remove: (id: string) => Promise<unknown>): Removal[] =>
    ids.map(id => ({ resource: name(id), remove: () => remove(id) }))
  return [
    ...each(tables, resourceNames.tables, table => deleteTable(dynamodb, table, pollMs)),
    ...each(streams, resourceNames.streams, stream => deleteStream(kinesis, stream, pollMs)),
    ...each(buckets, resourceNames.buckets, bucket => deleteBucket(s3, bucket)),
    ...each(databases, resourceNames.databases, Name => unlessMissing(glue.send(new DeleteDatabaseCommand({ Name })))),
    // The last, because the deletion of a function can write to its log.
    ...each(logGroups, resourceNames.logGroups, logGroupName =>
      unlessMissing(logs.send(new DeleteLogGroupCommand({ logGroupName }))),
    ),
  ]
}

async function deleteTable(client: DynamoDBClient, TableName: string, pollMs: number): Promise<true | undefined> {
  const read = () => client.send(new DescribeTableCommand({ TableName }))
  const found = await unlessMissing(read())
  if (!found) return undefined
  if (found.Table?.DeletionProtectionEnabled)
    await client.send(new UpdateTableCommand({ TableName, DeletionProtectionEnabled: false }))
  if (found.Table?.TableStatus !== 'DELETING') await unlessMissing(client.send(new DeleteTableCommand({ TableName })))
  await untilMissing(`the table ${TableName}`, read, pollMs)
  return true
}

async function deleteStream(client: KinesisClient, StreamName: string, pollMs: number): Promise<unknown> {
  const found = await unlessMissing(client.send(new DeleteStreamCommand({ StreamName, EnforceConsumerDeletion: true })))
  const read = () => client.send(new DescribeStreamSummaryCommand({ StreamName }))
  await untilMissing(`the stream ${StreamName}`, read, pollMs)
  return found
}
