import { type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb'
import { fromKeyItem, isLive, type StoredKey } from './dynamodb-items.ts'

/** The table of keys. */
export interface KeysTable {
  readonly client: DynamoDBClient
  readonly table: string
}

/** All keys, oldest first. */
export async function listKeys({ client, table }: KeysTable): Promise<StoredKey[]> {
  const keys: StoredKey[] = []
  for await (const { Items = [] } of paginateScan({ client }, { TableName: table, ConsistentRead: true }))
    keys.push(...Items.map(fromKeyItem))
  return keys.sort((a, b) => (a.created < b.created ? -1 : 1))
}

/** The keys that are neither revoked nor expired. */
export const liveKeys = async (keys: KeysTable): Promise<StoredKey[]> => {
  const now = Date.now()
  return (await listKeys(keys)).filter(key => isLive(key, now))
}
