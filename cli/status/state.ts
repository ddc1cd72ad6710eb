import { type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb'
import { type StateTable, stateTable } from '../../lambdas/state/dynamodb.ts'
import { readFirstFolded } from '../../lambdas/state/dynamodb-first-folded.ts'
import { isPartItem, isUserItem, readItem } from '../../lambdas/state/dynamodb-items.ts'
import { dynamoDbOperations } from '../../lambdas/state/dynamodb-operations.ts'
import { partsOfKind } from '../../shared/grains/grains.ts'
import type { FirstFolded, PartItem, UserItem } from '../../shared/state.ts'
import type { StateFacts } from './facts.ts'

/** The partition key of an item that stores the last sequence number processed of a shard. */
const SHARD_KEY = /^shard#(.+)$/

/** Reads the whole state table. */
export async function readState(client: DynamoDBClient, table: string): Promise<StateFacts> {
  const users = new Map<string, UserItem>()
  const parts: PartItem[] = []
  const passed = new Map<string, string>()
  const firstFolded = new Map<string, FirstFolded>()
  const reader = stateTable(table, dynamoDbOperations(client))
  for await (const { Items = [] } of paginateScan({ client }, { TableName: table, ConsistentRead: true })) {
    for (const attributes of Items) {
      const item = readItem(attributes)
      const note = readFirstFolded(attributes)
      const shard = SHARD_KEY.exec(attributes['pk']?.S ?? '')?.[1]
      if (isUserItem(item)) users.set(item.user, item)
      else if (isPartItem(item)) parts.push(await withPages(item, reader))
      else if (note) firstFolded.set(...note)
      else if (shard && attributes['seq']?.S) passed.set(shard, attributes['seq'].S)
    }
  }
  return { users, parts, passed, firstFolded }
}

/** The item with the users of its pages. */
export async function withPages(item: PartItem, table: Pick<StateTable, 'readUserPages'>): Promise<PartItem> {
  const key = item.pages && partsOfKind(item.kind)?.itemKey(item)
  if (!item.pages || !key) return item
  const pages = await table.readUserPages(key, item.pages)
  return { ...item, users: new Map([...pages.flatMap(({ users }) => [...users]), ...(item.users ?? [])]) }
}
