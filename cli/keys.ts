import { type Command, Option } from 'commander'
import { createKey, listKeys, revokeKeys } from '../lambdas/keys/dynamodb-admin.ts'
import type { Scope } from '../shared/keys.ts'
import { UserError } from '../shared/user-error.ts'
import { dynamodbOf } from './clients.ts'
import { type CommonOptions, printJson, withCommonOptions } from './options.ts'
import { formatTable } from './table.ts'
import { findTarget } from './target.ts'

const SCOPES: readonly Scope[] = ['write', 'read', 'admin']

export function keysCommand(program: Command): void {
  const command = program.command('keys').description('create, list and revoke API keys; only their SHA-256 hashes are stored')
  withCommonOptions(command.command('create'))
    .description('create a key and print it; it cannot be printed again')
    .argument('<name>', 'the name of the key, which is also the default source of events sent with it')
    .addOption(new Option('--scope <scope>', 'what the key allows').choices(SCOPES).makeOptionMandatory())
    .action(async (name: string, { stage, json, scope }: CommonOptions & { scope: Scope }) => {
      const key = await createKey(...(await keysTable(stage)), name, scope)
      if (json) printJson({ name, key, scope })
      else console.log(key)
    })
  withCommonOptions(command.command('list'))
    .description('list the names and scopes of the keys; the keys themselves are not stored')
    .action(async ({ stage, json }: CommonOptions) => {
      const keys = await listKeys(...(await keysTable(stage)))
      if (json) printJson(keys)
      else console.log(formatTable(keys, ['name', 'scope', 'created', 'revoked']))
    })
  withCommonOptions(command.command('revoke'))
    .description('revoke a key; the API rejects it within a minute')
    .argument('<name>', 'the name of the key')
    .action(async (name: string, { stage, json }: CommonOptions) => {
      const revoked = await revokeKeys(...(await keysTable(stage)), name)
      if (revoked === 0)
        throw new UserError(`There is no active key named ${name}. List the keys with \`npx millrace keys list\`.`)
      if (json) printJson({ name, revoked })
      else
        console.log(
          `Revoked ${revoked} ${revoked === 1 ? 'key' : 'keys'} named ${name}. The API rejects ${revoked === 1 ? 'it' : 'them'} within a minute.`,
        )
    })
}

async function keysTable(stage: string | undefined) {
  const target = await findTarget(stage)
  return [dynamodbOf(target), target.outputs.KeysTable] as const
}
