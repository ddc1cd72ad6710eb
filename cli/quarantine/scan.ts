import { type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb'
import { readIdentified } from '../../lambdas/quarantine/dynamodb-read.ts'
import type { IdentifiedSummary, QuarantineSummary } from '../../shared/quarantine.ts'
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
  'mayHaveBeenFolded',
  'sentAt',
] as const satisfies readonly (keyof QuarantineSummary)[]

/** Moves failures that still wait in a bucket into the quarantine, then returns everything in it. */
export async function collectedItems(target: Target): Promise<IdentifiedSummary[]> {
  await invoke(target, target.outputs.CollectFailuresFunction, {})
  return scanQuarantine(dynamodbOf(target), target.outputs.QuarantineTable)
}

/** Everything in the quarantine table, without the bodies; what was received together is in the order of its request. */
export async function scanQuarantine(client: DynamoDBClient, table: string): Promise<IdentifiedSummary[]> {
  const names = Object.fromEntries([...FIELDS, 'subject', 'first', 'position'].map(field => [`#${field}`, field]))
  const scan = {
    TableName: table,
    ConsistentRead: true,
    ProjectionExpression: Object.keys(names).join(', '),
    ExpressionAttributeNames: names,
  }
  const items: { summary: IdentifiedSummary; position: number }[] = []
  for await (const { Items = [] } of paginateScan({ client }, scan))
    items.push(...Items.map(item => ({ summary: readIdentified(item), position: Number(item['position']?.N ?? 0) })))
  return items.sort((a, b) => a.position - b.position).map(({ summary }) => summary)
}
