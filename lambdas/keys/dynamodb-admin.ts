import { randomBytes } from 'node:crypto'
import { type DynamoDBClient, PutItemCommand, paginateScan, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { keyHash, type Scope } from '../../shared/keys.ts'
import { MAX_NAME_CHARACTERS } from '../../shared/limits.ts'
import { UserError } from '../../shared/user-error.ts'

const KEY_BYTES = 32
/** A key's name is the default source of its events. It is stricter than a source. */
const NAME = /^[\w.:@-]+$/

/** A key as the table holds it: never the key itself. */
export interface ListedKey {
  /** SHA-256 of the key, in hex. */
  readonly hash: string
  readonly name: string
  readonly scope: string
  /** RFC 3339. */
  readonly created: string
  readonly revoked: string | null
}

/** Creates a key and stores its hash. Returns the key, which is stored nowhere. Throws a UserError for a name that is not allowed. */
export async function createKey(client: DynamoDBClient, table: string, name: string, scope: Scope): Promise<string> {
  if (!NAME.test(name) || name.length > MAX_NAME_CHARACTERS)
    throw new UserError(`The name of a key has 1 to ${MAX_NAME_CHARACTERS} letters, digits or . : @ _ - and nothing else.`)
  const key = `mr_${scope}_${randomBytes(KEY_BYTES).toString('base64url')}`
  const item = { hash: { S: keyHash(key) }, name: { S: name }, scope: { S: scope }, created: { S: new Date().toISOString() } }
  await client.send(new PutItemCommand({ TableName: table, Item: item }))
  return key
}

/** All keys, oldest first. */
export async function listKeys(client: DynamoDBClient, table: string): Promise<ListedKey[]> {
  const keys: ListedKey[] = []
  for await (const { Items = [] } of paginateScan({ client }, { TableName: table, ConsistentRead: true }))
    for (const { hash, name, scope, created, revoked } of Items)
      keys.push({
        hash: hash?.S ?? '',
        name: name?.S ?? '',
        scope: scope?.S ?? '',
        created: created?.S ?? '',
        revoked: revoked?.S ?? null,
      })
  return keys.sort((a, b) => (a.created < b.created ? -1 : 1))
}

/** Revokes every key of this name that is not revoked yet. Returns how many it revoked. */
export async function revokeKeys(client: DynamoDBClient, table: string, name: string): Promise<number> {
  const keys = (await listKeys(client, table)).filter(key => key.name === name && key.revoked === null)
  for (const { hash } of keys) {
    const update = {
      TableName: table,
      Key: { hash: { S: hash } },
      UpdateExpression: 'SET revoked = :now',
      ConditionExpression: 'attribute_exists(#hash)',
      ExpressionAttributeNames: { '#hash': 'hash' },
      ExpressionAttributeValues: { ':now': { S: new Date().toISOString() } },
    }
    await client.send(new UpdateItemCommand(update))
  }
  return keys.length
}
