import type { Command } from 'commander'
import { projections } from '../shared/catalogue.ts'
import { UserError } from '../shared/user-error.ts'
import { type CommonOptions, printJson, withCommonOptions } from './options.ts'
import { documentsOf } from './query.ts'
import { findTarget } from './target.ts'

export function showCommand(program: Command): void {
  withCommonOptions(program.command('show'))
    .description('every document of a projection, a line each')
    .argument('<projection>', projections.map(({ name }) => name).join(', '))
    .action(async (projection: string, { stage, json }: CommonOptions) => {
      const documents = await documentsOf(await findTarget(stage), projection)
      if (!documents) throw new UserError(`There is no projection ${projection}; see \`npx millrace catalogue\`.`)
      if (json) printJson(documents)
      else for (const document of documents) printJson(document)
    })
}
