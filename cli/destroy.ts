import type { Command } from 'commander'
import { UsageError } from '../shared/user-error.ts'
import { confirmed } from './confirm.ts'
import { destroyClients } from './destroy/clients.ts'
import type { Destroyed } from './destroy/delete-left.ts'
import { destroyStage } from './destroy/destroy-stage.ts'
import type { Loss } from './destroy/losses.ts'
import { printJson } from './options.ts'
import { formatTable } from './table.ts'
import { visible } from './visible.ts'

const POLL_MS = 5_000

interface DestroyOptions {
  readonly stage?: string
  readonly yes?: true
  readonly json?: true
}

export function destroyCommand(program: Command): void {
  program
    .command('destroy')
    .description('delete a stage with all its data, so that nothing of it bills any more; shows what will be lost, and asks')
    .option('--stage <name>', 'the stage in your AWS account')
    .option('--yes', 'do not ask')
    .option(
      '--json',
      'print one JSON value with what was deleted and what is left; the question and the steps go to standard error',
    )
    .action(async ({ stage, yes, json }: DestroyOptions) => {
      if (stage === undefined)
        throw new UsageError('Name the stage with --stage. `npx millrace reset` deletes the data of the local cloud.')
      const say = (line: string) => (json ? console.error(line) : console.log(line))
      const agree = async (losses: readonly Loss[]) => {
        say(`Stage ${visible(stage)} will be deleted for good:\n${formatTable(losses, ['store', 'contents'])}`)
        return yes === true || confirmed(`Delete stage ${visible(stage)} and all of this? No backup is kept.`)
      }
      const progress = (step: string) => say(visible(step))
      const destroyed = await destroyStage(stage, destroyClients({}), { agree, progress, pollMs: POLL_MS })
      if (json) printJson(destroyed)
      else for (const line of linesOf(stage, destroyed)) console.log(visible(line))
      if (destroyed.left.length > 0) process.exitCode = 1
    })
}

const linesOf = (stage: string, { left }: Destroyed): string[] =>
  left.length === 0
    ? [`Stage ${stage} is deleted, and nothing is left of it that bills.`]
    : [
        `Stage ${stage} is deleted, but this is left, and may bill. Run the command again when the reasons are fixed.`,
        ...left.map(({ resource, why }) => `${resource}: ${why}`),
      ]
