import type { Command } from 'commander'
import { UserError } from '../shared/user-error.ts'
import { type CommonOptions, printJson, withCommonOptions } from './options.ts'
import { get } from './query.ts'
import { findTarget } from './target.ts'

export function userCommand(program: Command): void {
  withCommonOptions(program.command('user'))
    .description('print all states and the newest windows of a user')
    .argument('<id>', 'the id of the user or device')
    .action(async (id: string, { stage, json }: CommonOptions) => {
      const user = await get(await findTarget(stage), `/v1/users/${encodeURIComponent(id)}`)
      if (user === undefined)
        throw new UserError(`There is no user ${id}. Check the id; \`npx millrace status\` shows whether all events are folded.`)
      printJson(user, json ? undefined : 2)
    })
}
