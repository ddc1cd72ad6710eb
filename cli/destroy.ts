import type { Command } from 'commander'
import { confirmed } from './confirm.ts'
import { destroyClients } from './destroy/clients.ts'
import { destroyStage } from './destroy/destroy-stage.ts'
import type { Loss } from './destroy/losses.ts'
import { formatTable } from './table.ts'
import { visible } from './visible.ts'

const POLL_MS = 5_000

export function destroyCommand(program: Command): void {
  program
    .command('destroy')
    .description('delete a stage with all its data, so that nothing of it bills any more; shows what will be lost, and asks')
    .requiredOption('--stage <name>', 'the stage in your AWS account')
    .option('--yes', 'do not ask')
    .action(async ({ stage, yes }: { stage: string; yes?: true }) => {
      const agree = async (losses: readonly Loss[]) => {
        console.log(`Stage ${visible(stage)} will be deleted for good:\n${formatTable(losses, ['store', 'contents'])}`)
        return yes === true || confirmed(`Delete stage ${visible(stage)} and all of this? No backup is kept.`)
      }
      const progress = (step: string) => console.log(visible(step))
      await destroyStage(stage, destroyClients({}), { agree, progress, pollMs: POLL_MS })
      console.log(`Stage ${visible(stage)} is deleted, and nothing is left of it that bills.`)
    })
}
