import { Argument, type Command } from 'commander'
import { projections } from '../shared/catalogue.ts'
import { UserError } from '../shared/user-error.ts'
import { type CommonOptions, printJson, withCommonOptions } from './options.ts'
import { documentsOf } from './query.ts'
import { findTarget } from './target.ts'

export function showCommand(program: Command): void {
  withCommonOptions(program.command('show'))
    .description('print every document of a projection, one per line')
    .addArgument(new Argument('<projection>', 'the projection').choices([...new Set(projections.map(({ name }) => name))]))
    .action(async (projection: string, { stage, json }: CommonOptions) => {
      const documents = await documentsOf(await findTarget(stage), projection)
      if (!documents) throw new UserError(`The API has no projection ${projection} yet. Deploy it first.`)
      if (json) printJson(documents)
      else for (const document of documents) printJson(document)
    })
}
