import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
import { type KeyStore, keyHash } from '../../shared/keys.ts'
import { fromKeyItem, isLive, type StoredKey } from './dynamodb-items.ts'
import type { KeyUse } from './dynamodb-use.ts'

/** Below one minute: together with DynamoDB's replication delay, a revoked or changed key is seen within a minute. */
const CACHE_TTL_MS = 50_000
/** For keys that do not exist. Short, because the key may be created at any moment and clients drop events after a 401. */
const NEGATIVE_CACHE_TTL_MS = 5_000
const MAX_CACHED_KEYS = 10_000

/** Looks up keys by their SHA-256 hash and caches the result, but not beyond the expiry of the key. `now` is in milliseconds. */
export function keyStore(table: string, client = new DynamoDBClient({}), now: () => number = Date.now, use?: KeyUse): KeyStore {
  const cache = new Map<string, { readonly until: number; readonly key: StoredKey | undefined }>()
  const read = async (hash: string): Promise<StoredKey | undefined> => {
    const key = await readKey(hash, table, client)
    if (cache.size >= MAX_CACHED_KEYS) cache.clear()
    cache.set(hash, { until: now() + (key ? CACHE_TTL_MS : NEGATIVE_CACHE_TTL_MS), key })
    if (key && isLive(key, now())) await use?.note(key.id)
    return key
  }
  return {
    async find(presented) {
      const hash = keyHash(presented)
      const cached = cache.get(hash)
      const key = cached && cached.until > now() ? cached.key : await read(hash)
      return key && isLive(key, now()) ? key : undefined
    },
  }
}

async function readKey(hash: string, table: string, client: DynamoDBClient): Promise<StoredKey | undefined> {
  const { Item } = await client.send(new GetItemCommand({ TableName: table, Key: { hash: { S: hash } } }))
  return Item && fromKeyItem(Item)
}
