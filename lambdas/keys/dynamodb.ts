import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
import { type Key, type KeyStore, keyHash, type Scope } from '../../shared/keys.ts'

/** How long a key may be believed: with time for the table's copies to agree, a revoked one is refused within a minute. */
const CACHE_TTL_MS = 50_000
/** How long a key that does not exist stays unknown: it may be made at any moment, and senders drop what a 401 answers. */
const NEGATIVE_CACHE_TTL_MS = 5_000
const MAX_CACHED_KEYS = 10_000

/** Looks keys up by their SHA-256 and remembers the answer for less than a minute. */
export function keyStore(table: string, client = new DynamoDBClient({}), now: () => number = Date.now): KeyStore {
  const remembered = new Map<string, { readonly until: number; readonly key: Key | undefined }>()
  return {
    async find(key) {
      const hash = keyHash(key)
      const known = remembered.get(hash)
      if (known && known.until > now()) return known.key
      const { Item } = await client.send(new GetItemCommand({ TableName: table, Key: { hash: { S: hash } } }))
      const found = Item && !Item['revoked'] ? { name: Item['name']?.S ?? '', scope: Item['scope']?.S as Scope } : undefined
      if (remembered.size >= MAX_CACHED_KEYS) remembered.clear()
      remembered.set(hash, { until: now() + (found ? CACHE_TTL_MS : NEGATIVE_CACHE_TTL_MS), key: found })
      return found
    },
  }
}
