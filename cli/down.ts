import type { Command } from 'commander'
import { localCloud } from '../localstack/parts.ts'
import { down, endedLine } from '../localstack/up.ts'
import { printJson } from './options.ts'

export function downCommand(program: Command): void {
  program
    .command('down')
    .description('stop the local cloud and keep its state in .millrace/')
    .option('--json', 'print one JSON value with the parts that were stopped')
    .action(async ({ json }: { json?: true }) => {
      const ended = await down(localCloud())
      const named = (...results: readonly string[]) =>
        ended.filter(({ result }) => results.includes(result)).map(({ name }) => name)
      if (json) printJson({ stopped: named('stopped', 'killed'), killed: named('killed') })
      else for (const part of ended) console.log(endedLine(part))
    })
}
