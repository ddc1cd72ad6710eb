import { randomBytes } from 'node:crypto'
import { PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { marshall } from '@aws-sdk/util-dynamodb'
import type { KeyLimits, Scope } from '../../shared/keys.ts'
import { UserError } from '../../shared/user-error.ts'
import { conditionHeld } from '../dynamodb.ts'
import { type StoredKey, toKeyItem } from './dynamodb-items.ts'
import { type KeysTable, liveKeys } from './dynamodb-list.ts'
import { limitKey, planKey } from './plan-key.ts'

const KEY_BYTES = 32

export interface KeyRequest extends KeyLimits {
  readonly name: string
  readonly scope: Scope
  /** Whether the key gets a secret that signs users. */
  readonly signs?: boolean
}

/** A new key. The key itself is stored nowhere. */
export interface CreatedKey {
  readonly key: string
  readonly stored: StoredKey
}

/** Creates a key and stores its hash. Throws a UserError for what is not allowed. */
export async function createKey({ client, table }: KeysTable, { signs, ...request }: KeyRequest): Promise<CreatedKey> {
  const key = `mr_${request.scope}_${randomText()}`
  const secret = signs ? randomText() : undefined
  const created = Date.now()
  const existing = await liveKeys({ client, table })
  const stored = planKey({ ...request, text: key, secret, created }, existing)
  await client.send(new PutItemCommand({ TableName: table, Item: toKeyItem(stored) }))
  return { key, stored }
}

const randomText = (): string => randomBytes(KEY_BYTES).toString('base64url')

/** The keys that work now and have this id or name. Throws a UserError if there is none. */
async function namedKeys(keys: KeysTable, idOrName: string): Promise<StoredKey[]> {
  const live = await liveKeys(keys)
  const byId = live.filter(({ id }) => id === idOrName)
  const found = byId.length > 0 ? byId : live.filter(({ name }) => name === idOrName)
  if (found.length === 0) throw new UserError(`No key with the id or name ${idOrName} is in use; see \`npx millrace keys list\`.`)
  return found
}

/** Revokes the key with this id, or every key with this name. Returns the revoked keys. */
export async function revokeKeys(keys: KeysTable, idOrName: string): Promise<StoredKey[]> {
  const found = await namedKeys(keys, idOrName)
  const revoked = new Date().toISOString()
  // A key that is revoked already stays so: by somebody else, or by this write, which the SDK sends again after a lost response.
  for (const key of found) await setUnlessRevoked(keys, key, { revoked })
  return found.map(key => ({ ...key, revoked }))
}

/** Gives the key with this id, or every key with this name, other limits. Returns the changed keys. */
export async function changeKeys(keys: KeysTable, idOrName: string, limits: KeyLimits): Promise<StoredKey[]> {
  const changed = (await namedKeys(keys, idOrName)).map(key => limitKey(key, limits))
  for (const key of changed) {
    const { source, sources, types, origins, quota, expires } = key
    const attributes = { source, sources, types, origins, quota, expires: expires && new Date(expires).toISOString() }
    if (!(await setUnlessRevoked(keys, key, attributes)))
      throw new UserError(`The key ${key.id} was revoked meanwhile; see \`npx millrace keys list\`.`)
  }
  return changed
}

/** Sets attributes of a key. Returns false if it is revoked. */
function setUnlessRevoked({ client, table }: KeysTable, { hash }: StoredKey, attributes: object): Promise<boolean> {
  const given = Object.entries(attributes).filter(([, value]) => value !== undefined)
  const update = new UpdateItemCommand({
    TableName: table,
    Key: { hash: { S: hash } },
    UpdateExpression: `SET ${given.map(([name]) => `#${name} = :${name}`).join(', ')}`,
    ConditionExpression: 'attribute_exists(#hash) AND attribute_not_exists(#revoked)',
    ExpressionAttributeNames: Object.fromEntries(
      [...given.map(([name]) => name), 'hash', 'revoked'].map(name => [`#${name}`, name]),
    ),
    ExpressionAttributeValues: marshall(Object.fromEntries(given.map(([name, value]) => [`:${name}`, value]))),
  })
  return conditionHeld(client.send(update))
}
