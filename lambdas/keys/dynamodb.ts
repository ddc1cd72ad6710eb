import { createHash } from 'node:crypto'
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
import { type Rejection, reject } from '../../shared/rejections.ts'
import type { Scope } from '../../shared/routes.ts'

export interface Key {
  /** The default source of its events. */
  readonly name: string
  readonly scope: Scope
}

export interface KeyStore {
  /** The key, or undefined when it is known not to exist or to be revoked. Throws when the table cannot be asked. */
  find(key: string): Promise<Key | undefined>
}

/** How long a key may be believed: with time for the table's copies to agree, a revoked one is refused within a minute. */
const BELIEVED_MS = 50_000
/** How long a key that does not exist stays unknown: it may be made at any moment, and senders drop what a 401 answers. */
const DOUBTED_MS = 5_000
const REMEMBERED = 10_000

export const keyHash = (key: string): string => createHash('sha256').update(key).digest('hex')

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
      if (remembered.size >= REMEMBERED) remembered.clear()
      remembered.set(hash, { until: now() + (found ? BELIEVED_MS : DOUBTED_MS), key: found })
      return found
    },
  }
}

/** The key that a request presents, wherever clients put it; two that differ are a conflict, none is `key_missing`. */
export function presentedKey(request: {
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly query?: Readonly<Record<string, string | undefined>> | undefined
  readonly bodyKeys?: readonly string[]
}): string | Rejection {
  const { headers, query, bodyKeys = [] } = request
  const presented = [fromAuthorization(headers['authorization']), headers['x-write-key'], ...bodyKeys, query?.['writeKey']]
  const keys = new Set(presented.filter(key => key))
  const [key] = keys
  if (keys.size > 1) return reject('key_conflict')
  return key ?? reject('key_missing')
}

/** `Bearer KEY`, or `Basic` with the key as user. */
function fromAuthorization(header: string | undefined): string | undefined {
  const [, scheme, value] = /^(Bearer|Basic)\s+(\S+)$/i.exec(header ?? '') ?? []
  if (!scheme || !value) return undefined
  if (scheme.toLowerCase() === 'bearer') return value
  return Buffer.from(value, 'base64').toString().split(':')[0]
}

/** Whether a key of this scope may do what needs `needed`. */
export const allows = (scope: Scope, needed: Scope): boolean => scope === needed || scope === 'admin'
