import type { Command } from 'commander'
import { UserError } from '../shared/user-error.ts'
import { type CommonOptions, printJson, withCommonOptions } from './options.ts'
import { get } from './query.ts'
import { findTarget } from './target.ts'

export function userCommand(program: Command): void {
  withCommonOptions(program.command('user'))
    .description('all states and the newest windows of a user')
    .argument('<id>', 'the user or device')
    .action(async (id: string, { stage, json }: CommonOptions) => {
      const user = await get(await findTarget(stage), `/v1/users/${encodeURIComponent(id)}`)
      if (user === undefined) throw new UserError(`Nothing is known of a user ${id}.`)
      if (json) printJson(user)
      else console.log(JSON.stringify(user, null, 2))
    })
}
