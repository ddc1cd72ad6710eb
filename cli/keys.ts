import { randomBytes } from 'node:crypto'
import { type DynamoDBClient, PutItemCommand, paginateScan, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { type Command, Option } from 'commander'
import { keyHash, type Scope } from '../shared/keys.ts'
import { UserError } from '../shared/user-error.ts'
import { dynamodbOf } from './clients.ts'
import { type CommonOptions, printJson, withCommonOptions } from './options.ts'
import { formatTable } from './table.ts'
import { findTarget, type Target } from './target.ts'

const SCOPES: readonly Scope[] = ['write', 'read', 'admin']
const KEY_BYTES = 32
/** A key's name is the default source of its events, and a source has 1 to 256 characters. */
const NAME = /^[\w.:@-]{1,128}$/

export function keysCommand(program: Command): void {
  const command = program.command('keys').description('create, list and revoke API keys; only their SHA-256 hashes are stored')
  withCommonOptions(command.command('create'))
    .description('create a key and print it; it cannot be printed again')
    .argument('<name>', 'the name of the key, which is also the default source of events sent with it')
    .addOption(new Option('--scope <scope>', 'what the key permits').choices(SCOPES).makeOptionMandatory())
    .action(async (name: string, { stage, json, scope }: CommonOptions & { scope: Scope }) => {
      const key = await createKey(await findTarget(stage), name, scope)
      if (json) printJson({ name, key, scope })
      else console.log(key)
    })
  withCommonOptions(command.command('list'))
    .description('list the names and scopes of the keys, not the keys themselves')
    .action(async ({ stage, json }: CommonOptions) => {
      const keys = await listKeys(await findTarget(stage))
      if (json) printJson(keys)
      else console.log(formatTable(keys, ['name', 'scope', 'created', 'revoked']))
    })
  withCommonOptions(command.command('revoke'))
    .description('revoke a key; the API rejects it within a minute')
    .argument('<name>', 'the name of the key')
    .action(async (name: string, { stage, json }: CommonOptions) => {
      const revoked = await revokeKeys(await findTarget(stage), name)
      if (json) printJson({ name, revoked })
      else
        console.log(`Revoked ${revoked === 1 ? 'the key' : `${revoked} keys named`} ${name}. The API rejects it within a minute.`)
    })
}

interface ListedKey {
  readonly hash: string
  readonly name: string
  readonly scope: string
  readonly created: string
  readonly revoked: string | null
}

/** Creates a key, stores its hash and returns the key, which is stored nowhere. */
export async function createKey(target: Target, name: string, scope: Scope): Promise<string> {
  if (!NAME.test(name)) throw new UserError('A key name has 1 to 128 characters: letters, digits and . : @ _ - only.')
  const key = `mr_${scope}_${randomBytes(KEY_BYTES).toString('base64url')}`
  const item = { hash: { S: keyHash(key) }, name: { S: name }, scope: { S: scope }, created: { S: new Date().toISOString() } }
  await dynamodbOf(target).send(new PutItemCommand({ TableName: target.outputs.KeysTable, Item: item }))
  return key
}

async function listKeys(target: Target): Promise<ListedKey[]> {
  const keys = await scanKeys(dynamodbOf(target), target.outputs.KeysTable)
  return keys.sort((a, b) => (a.created < b.created ? -1 : 1))
}

async function scanKeys(client: DynamoDBClient, table: string): Promise<ListedKey[]> {
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
  return keys
}

/** Revokes all active keys with this name and returns their number. Throws a UserError when there is none. */
async function revokeKeys(target: Target, name: string): Promise<number> {
  const client = dynamodbOf(target)
  const table = target.outputs.KeysTable
  const keys = (await scanKeys(client, table)).filter(key => key.name === name && key.revoked === null)
  if (keys.length === 0)
    throw new UserError(`There is no active key named ${name}. List the keys with \`npx millrace keys list\`.`)
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
