import { type Command, Option } from 'commander'
import { fieldColumns } from '../shared/archive-columns.ts'
import { eventTypes, projections, reports } from '../shared/catalogue.ts'
import { jsonSchemaOf } from '../shared/json-schema.ts'
import { typeNames } from '../shared/projection.ts'
import { catalogueMarkdown, scheduleOf, scopeOf } from './catalogue/markdown.ts'
import { acceptChange, checkRevisions, record } from './catalogue/revisions.ts'
import { printJson } from './options.ts'
import { tablesOf } from './report/csv.ts'
import { formatTable } from './table.ts'

interface Options {
  readonly json?: true
  readonly markdown?: true
  readonly check?: true
  readonly record?: true
  readonly accept?: string
}

/** An option that excludes the others of the command. */
function alone(flags: string, about: string): Option {
  const option = new Option(flags, about)
  return option.conflicts(['json', 'markdown', 'check', 'record', 'accept'].filter(name => name !== option.attributeName()))
}

export function catalogueCommand(program: Command): void {
  program
    .command('catalogue')
    .description('print the event types with their archive columns, the projections and the reports')
    .addOption(alone('--json', 'print one JSON value, with the JSON Schema of every type'))
    .addOption(alone('--markdown', 'print docs/events.md'))
    .addOption(alone('--check', 'check the definitions, and compare the projections with revisions.json'))
    .addOption(alone('--record', 'write new projections and revisions, and what was removed, to revisions.json'))
    .addOption(alone('--accept <projection>', 'write to revisions.json that a changed module computes what it did before'))
    .action(async ({ json, markdown, check, record: recordNew, accept }: Options) => {
      if (check) await checkRevisions()
      else if (recordNew) await record()
      else if (accept !== undefined) await acceptChange(accept)
      else if (json) printJson(catalogue())
      else if (markdown) console.log(catalogueMarkdown({ eventTypes, projections, reports }))
      else print(catalogue())
    })
}

const catalogue = () => ({
  eventTypes: eventTypes.map(type => ({
    name: type.name,
    about: type.about,
    columns: fieldColumns(type).map(({ field, name, type: columnType }) => ({ field, column: name, type: columnType })),
    schema: jsonSchemaOf(type),
  })),
  projections: projections.map(projection => ({
    name: projection.name,
    revision: projection.revision,
    scope: scopeOf(projection),
    on: typeNames(projection).join(', '),
  })),
  reports: reports.map(report => ({
    name: report.name,
    of: report.eventType.name,
    runs: scheduleOf(report),
    tables: tablesOf(report).map(({ by, columns }) => ({
      ...(by && { by }),
      columns: columns.map(({ name, type }) => ({ name, type })),
    })),
  })),
})

function print({ eventTypes: types, projections: listed, reports: published }: ReturnType<typeof catalogue>): void {
  for (const { name, about, columns } of types)
    console.log(`${name}: ${about}\n${formatTable(columns, ['field', 'column', 'type'])}\n`)
  console.log(`Projections\n${formatTable(listed, ['name', 'revision', 'scope', 'on'])}\n`)
  console.log(`Reports\n${formatTable(published, ['name', 'of', 'runs'])}`)
}
