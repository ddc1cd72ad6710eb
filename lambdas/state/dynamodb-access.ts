import pLimit from 'p-limit'
import type { ItemKey } from '../../shared/state.ts'
import { type Attributes, conditionHeld } from '../dynamodb.ts'
import { itemKeyOf, keyAttributes } from './dynamodb-items.ts'
import type { DynamoDbOperations } from './dynamodb-operations.ts'

/** Result of a conditional put. `conflict`: another writer was faster and nothing was written. */
export type PutResult = 'written' | 'conflict'

/** Bounds of the rest of a sort key after its prefix, both included. Without `to`, there is none. */
export interface KeyRange {
  readonly from?: string
  readonly to?: string
}

/** The table's name and how to reach it. */
export interface TableTarget {
  readonly table: string
  readonly dynamodb: DynamoDbOperations
}

const KEYS_PER_BATCH_GET = 100
const READ_ATTEMPTS = 3

/** Runs at most 16 calls at once. */
export const eachCall = <T, R>(inputs: readonly T[], call: (input: T) => Promise<R>): Promise<R[]> => pLimit(16).map(inputs, call)

/** Reads an item consistently. */
export async function getItem<Item>(
  { table, dynamodb }: TableTarget,
  key: ItemKey,
  read: (attributes: Attributes) => Item,
): Promise<Item | undefined> {
  const { Item } = await dynamodb.getItem({ TableName: table, Key: keyAttributes(key), ConsistentRead: true })
  return Item && read(Item)
}

/** Writes an item if the stored one still has the version that was read; undefined: if there is none. */
export const putItem = (target: TableTarget, item: Attributes, readVersion: number | undefined): Promise<PutResult> =>
  readVersion === undefined
    ? putIf(target, item, 'attribute_not_exists(pk)')
    : putIf(target, item, 'version = :read', { ':read': { N: String(readVersion) } })

/** Writes an item if a condition on the stored one holds. */
export async function putIf(
  { table, dynamodb }: TableTarget,
  item: Attributes,
  condition: string,
  values?: Attributes,
): Promise<PutResult> {
  const check = { ConditionExpression: condition, ExpressionAttributeValues: values }
  const written = await conditionHeld(dynamodb.putItem({ TableName: table, Item: item, ...check }))
  return written ? 'written' : 'conflict'
}

/** `eventual` costs half, and may return an item as it was before its last change. */
export type Consistency = 'consistent' | 'eventual'

/**
 * Reads items, whatever their number. `unread`: the partition and sort keys of those that were still unprocessed
 * after the last attempt.
 */
export async function batchGet(
  target: TableTarget,
  keys: readonly ItemKey[],
  consistency: Consistency = 'consistent',
): Promise<{ items: Attributes[]; unread: ItemKey[] }> {
  const items: Attributes[] = []
  const unread: ItemKey[] = []
  for (let at = 0; at < keys.length; at += KEYS_PER_BATCH_GET) {
    const some = await batchGetOnce(target, keys.slice(at, at + KEYS_PER_BATCH_GET).map(keyAttributes), consistency)
    items.push(...some.items)
    unread.push(...some.unread.map(itemKeyOf))
  }
  return { items, unread }
}

async function batchGetOnce(
  { table, dynamodb }: TableTarget,
  keys: Attributes[],
  consistency: Consistency,
): Promise<{ items: Attributes[]; unread: Attributes[] }> {
  const items: Attributes[] = []
  let unread = keys
  for (let attempt = 0; attempt < READ_ATTEMPTS && unread.length > 0; attempt++) {
    const RequestItems = { [table]: { Keys: unread, ConsistentRead: consistency === 'consistent' } }
    const { Responses, UnprocessedKeys } = await dynamodb.batchGetItem({ RequestItems })
    items.push(...(Responses?.[table] ?? []))
    unread = UnprocessedKeys?.[table]?.Keys ?? []
  }
  return { items, unread }
}

/** Items of one partition whose sort keys begin with `sk`, greatest first. Stops after the page that reaches the limit. */
export async function queryItems<Item>(
  { table, dynamodb }: TableTarget,
  { pk, sk }: ItemKey,
  read: (attributes: Attributes) => Item,
  limit: number | undefined,
  { from = '', to }: KeyRange,
): Promise<Item[]> {
  const items: Item[] = []
  // DynamoDB rejects such a range.
  if (to !== undefined && from > to) return items
  const pages = dynamodb.query({
    TableName: table,
    ...(to === undefined
      ? {
          KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
          ExpressionAttributeValues: { ':pk': { S: pk }, ':prefix': { S: sk } },
        }
      : {
          KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
          ExpressionAttributeValues: { ':pk': { S: pk }, ':from': { S: `${sk}${from}` }, ':to': { S: `${sk}${to}` } },
        }),
    ConsistentRead: true,
    ScanIndexForward: false,
    Limit: limit,
  })
  for await (const { Items = [] } of pages) {
    items.push(...Items.map(read))
    if (limit !== undefined && items.length >= limit) break
  }
  return items
}
