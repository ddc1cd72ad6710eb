import { type Command, Option } from 'commander'
import { type CreatedKey, changeKeys, createKey, revokeKeys } from '../lambdas/keys/dynamodb-admin.ts'
import { instantText, type StoredKey } from '../lambdas/keys/dynamodb-items.ts'
import { type KeysTable, listKeys } from '../lambdas/keys/dynamodb-list.ts'
import { type ListedUse, listUse } from '../lambdas/keys/dynamodb-use.ts'
import type { Allowed, Scope } from '../shared/keys.ts'
import { formatQuota } from '../shared/quota.ts'
import { UsageError } from '../shared/user-error.ts'
import { dynamodbOf } from './clients.ts'
import { type LimitOptions, limitsOf, withLimitOptions } from './keys/key-options.ts'
import { type CommonOptions, printJson, withCommonOptions } from './options.ts'
import { formatTable } from './table.ts'
import { findTarget, type Target } from './target.ts'

const SCOPES: readonly Scope[] = ['client', 'write', 'read', 'admin']
const WITHIN_A_MINUTE = 'The API applies it within a minute.'

export function keysCommand(program: Command): void {
  const command = program
    .command('keys')
    .description('create, list, change and revoke API keys; only their SHA-256 hashes are stored')
  addCreate(command)
  addList(command)
  addChange(command)
  addRevoke(command)
}

function addCreate(command: Command): void {
  withLimitOptions(withCommonOptions(command.command('create')))
    .description('create a key and print it; it cannot be printed again')
    .argument('<name>', 'the name of the key, which is also the default source of events sent with it')
    .addOption(
      new Option('--scope <scope>', 'what the key permits; client: for web pages and apps').choices(SCOPES).makeOptionMandatory(),
    )
    .option('--secret', 'also create a secret, with which your server signs the users of a client key; printed after the key')
    .action(async (name: string, options: CommonOptions & LimitOptions & { scope: Scope; secret?: boolean }) => {
      const { stage, json, scope, secret = false } = options
      const created = await createKey(keysTable(await findTarget(stage)), { name, scope, signs: secret, ...limitsOf(options) })
      if (json) printJson(createdJson(created))
      else console.log([created.key, ...(created.stored.secret ? [created.stored.secret] : [])].join('\n'))
    })
}

const createdJson = ({ key, stored: { id, name, scope, expires, secret } }: CreatedKey) => ({
  ...{ id, name, key, scope, expires: instantText(expires) ?? null },
  ...(secret !== undefined && { secret }),
})

function addList(command: Command): void {
  withCommonOptions(command.command('list'))
    .description('list the keys with their rights, not the keys themselves')
    .action(async ({ stage, json }: CommonOptions) => {
      const target = await findTarget(stage)
      const uses = await listUse(target.outputs.KeyUseTable, dynamodbOf(target), Date.now())
      const keys = await listKeys(keysTable(target))
      const rows = keys.map(key => ({ ...listed(key), ...(uses.get(key.id) ?? { lastUsed: null, today: null }) }))
      if (json) printJson(rows)
      else console.log(formatTable(rows.map(asText), COLUMNS))
    })
}

const COLUMNS = [
  'id',
  'name',
  'scope',
  'sources',
  'types',
  'origins',
  'quota',
  'today',
  'created',
  'lastUsed',
  'expires',
  'revoked',
]

/** A key as `keys list` shows it. */
const listed = ({ id, name, scope, types, origins, quota, created, expires, revoked, ...key }: StoredKey) => ({
  ...{ id, name, scope, sources: sourcesOf(key), types, origins, quota: quota ?? null },
  ...{ created, expires: instantText(expires) ?? null, revoked: revoked ?? null },
})

/** Every source that events of the key can have. */
const sourcesOf = ({ source, sources }: Pick<StoredKey, 'source' | 'sources'>): Allowed =>
  sources === '*' ? '*' : [...new Set([source, ...sources])]

const asText = ({ sources, types, origins, quota, ...row }: ReturnType<typeof listed> & ListedUse) => ({
  ...row,
  ...{ sources: listText(sources), types: listText(types), origins: listText(origins), quota: quota && formatQuota(quota) },
})

const listText = (allowed: Allowed): string => (allowed === '*' ? '*' : allowed.join())

function addChange(command: Command): void {
  withLimitOptions(withCommonOptions(command.command('change')))
    .description(`change what a key permits; the options replace what it had. ${WITHIN_A_MINUTE}`)
    .argument('<id or name>', 'the id of a key, or the name of all keys to change')
    .action(async (idOrName: string, options: CommonOptions & LimitOptions) => {
      const limits = limitsOf(options)
      if (Object.values(limits).every(limit => limit === undefined))
        throw new UsageError('Give at least one of --types, --source, --origins, --quota and --expires.')
      const changed = await changeKeys(keysTable(await findTarget(options.stage)), idOrName, limits)
      if (options.json) printJson(changed.map(listed))
      else console.log(`Changed ${describe(changed)}. ${WITHIN_A_MINUTE}`)
    })
}

function addRevoke(command: Command): void {
  withCommonOptions(command.command('revoke'))
    .description('revoke a key; the API rejects it within a minute')
    .argument('<id or name>', 'the id of a key, or the name of all keys to revoke')
    .action(async (idOrName: string, { stage, json }: CommonOptions) => {
      const revoked = await revokeKeys(keysTable(await findTarget(stage)), idOrName)
      if (json) printJson({ name: idOrName, revoked: revoked.length, ids: revoked.map(({ id }) => id) })
      else console.log(`Revoked ${describe(revoked)}. The API rejects ${revoked.length === 1 ? 'it' : 'them'} within a minute.`)
    })
}

const describe = (keys: readonly StoredKey[]): string =>
  `${keys.length} ${keys.length === 1 ? 'key' : 'keys'}: ${keys.map(({ id, name }) => `${name} (${id})`).join(', ')}`

const keysTable = (target: Target): KeysTable => ({ client: dynamodbOf(target), table: target.outputs.KeysTable })
