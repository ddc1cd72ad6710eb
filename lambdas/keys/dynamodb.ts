import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
import { type Key, type KeyStore, keyHash, type Scope } from '../../shared/keys.ts'

/** Below one minute: together with DynamoDB's replication delay, a revoked key is rejected within a minute. */
const CACHE_TTL_MS = 50_000
/** For keys that do not exist. Short, because the key may be created at any moment and clients drop events after a 401. */
const NEGATIVE_CACHE_TTL_MS = 5_000
const MAX_CACHED_KEYS = 10_000

/** Looks up keys by their SHA-256 hash and caches the result. `now` is in milliseconds. */
export function keyStore(table: string, client = new DynamoDBClient({}), now: () => number = Date.now): KeyStore {
  const cache = new Map<string, { readonly expires: number; readonly key: Key | undefined }>()
  return {
    async find(presented) {
      const hash = keyHash(presented)
      const cached = cache.get(hash)
      if (cached && cached.expires > now()) return cached.key
      const key = await readKey(hash, table, client)
      if (cache.size >= MAX_CACHED_KEYS) cache.clear()
      cache.set(hash, { expires: now() + (key ? CACHE_TTL_MS : NEGATIVE_CACHE_TTL_MS), key })
      return key
    },
  }
}

async function readKey(hash: string, table: string, client: DynamoDBClient): Promise<Key | undefined> {
  const { Item } = await client.send(new GetItemCommand({ TableName: table, Key: { hash: { S: hash } } }))
  if (!Item || Item['revoked']) return undefined
  return { name: Item['name']?.S ?? '', scope: Item['scope']?.S as Scope }
}
