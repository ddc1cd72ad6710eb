import { type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb'
import { readItem } from '../../lambdas/state/dynamodb-items.ts'
import type { SlotItem, UserItem, WindowItem } from '../../shared/state.ts'
import type { StateFacts } from './facts.ts'

/** The partition key of an item that stores the last sequence number processed of a shard. */
const SHARD_KEY = /^shard#(.+)$/

/** Reads the whole state table. */
export async function readState(client: DynamoDBClient, table: string): Promise<StateFacts> {
  const users = new Map<string, UserItem>()
  const windows: WindowItem[] = []
  const slots: SlotItem[] = []
  const passed = new Map<string, string>()
  for await (const { Items = [] } of paginateScan({ client }, { TableName: table, ConsistentRead: true })) {
    for (const attributes of Items) {
      const item = readItem(attributes)
      const shard = SHARD_KEY.exec(attributes['pk']?.S ?? '')?.[1]
      if (item.kind === 'user') users.set(item.user, item)
      else if (item.kind === 'window') windows.push(item)
      else if (item.kind === 'slot') slots.push(item)
      else if (shard && attributes['seq']?.S) passed.set(shard, attributes['seq'].S)
    }
  }
  return { users, windows, slots, passed }
}
