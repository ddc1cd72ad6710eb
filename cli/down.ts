import type { Command } from 'commander'
import { localCloud } from '../localstack/parts.ts'
import { down } from '../localstack/up.ts'

export function downCommand(program: Command): void {
  program
    .command('down')
    .description('stop the local cloud and keep its state in .millrace/')
    .action(async () => {
      for (const line of await down(localCloud())) console.log(line)
    })
}
