import { type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb'
import { type QuarantinedItem, readItem } from '../../lambdas/quarantine/dynamodb-kept-events.ts'
import { dynamodbOf } from '../clients.ts'
import { invoke } from '../invoke.ts'
import type { Target } from '../target.ts'

const FIELDS = [
  'key',
  'code',
  'message',
  'type',
  'id',
  'keyName',
  'received',
  'count',
] as const satisfies readonly (keyof QuarantinedItem)[]

/** Everything in the quarantine, after what still waits in a bucket was taken into it. */
export async function collectedItems(target: Target): Promise<QuarantinedItem[]> {
  await invoke(target, target.outputs.CollectFailuresFunction, {})
  return scanQuarantine(dynamodbOf(target), target.outputs.QuarantineTable)
}

/** Everything in the quarantine, without the bodies. */
export async function scanQuarantine(client: DynamoDBClient, table: string): Promise<QuarantinedItem[]> {
  const names = Object.fromEntries(FIELDS.map(field => [`#${field}`, field]))
  const scan = {
    TableName: table,
    ConsistentRead: true,
    ProjectionExpression: Object.keys(names).join(', '),
    ExpressionAttributeNames: names,
  }
  const items: QuarantinedItem[] = []
  for await (const { Items = [] } of paginateScan({ client }, scan)) items.push(...Items.map(readItem))
  return items
}
