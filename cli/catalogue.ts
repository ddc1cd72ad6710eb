import { existsSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { fieldColumns } from '../shared/archive-columns.ts'
import { eventTypes, projections, reports } from '../shared/catalogue.ts'
import { jsonSchemaOf } from '../shared/json-schema.ts'
import { LOCAL_OUTPUTS } from '../shared/outputs.ts'
import { typeNames } from '../shared/projection.ts'
import { catalogueMarkdown, scheduleOf, scopeOf } from './catalogue/markdown.ts'
import { removeStored } from './catalogue/remove.ts'
import { acceptChange, checkRevisions, record } from './catalogue/revisions.ts'
import { readGone, type StoredProjection } from './catalogue/stored.ts'
import { type CommonOptions, printJson } from './options.ts'
import { tablesOf } from './report/csv.ts'
import { formatTable } from './table.ts'
import { findTarget } from './target.ts'

interface Options extends CommonOptions {
  readonly types?: true
  readonly markdown?: true
  readonly check?: true
  readonly record?: true
  readonly accept?: string
  readonly remove?: string
  readonly yes?: true
}

const ACTIONS = ['markdown', 'check', 'record', 'accept', 'remove']

/** An option that excludes the others of the command. */
function alone(flags: string, about: string): Option {
  const option = new Option(flags, about)
  return option.conflicts(['json', 'types', ...ACTIONS].filter(name => name !== option.attributeName()))
}

export function catalogueCommand(program: Command): void {
  program
    .command('catalogue')
    .description(
      'print the event types with their archive columns, the projections and the reports, and what the local cloud or a stage stores of removed projections',
    )
    .addOption(new Option('--json', 'print one JSON value, with the JSON Schema of every type').conflicts(ACTIONS))
    .addOption(new Option('--types', 'print only the event types, without asking a cloud').conflicts(ACTIONS))
    .addOption(alone('--markdown', 'print docs/events.md'))
    .addOption(alone('--check', 'check the definitions, and compare the projections with revisions.json'))
    .addOption(alone('--record', 'write new projections and revisions, and what was removed, to revisions.json'))
    .addOption(alone('--accept <projection>', 'write to revisions.json that a changed module computes what it did before'))
    .addOption(
      alone(
        '--remove <projection>',
        'delete documents, states and windows of a removed projection or of earlier revisions; asks first',
      ),
    )
    .option('--stage <name>', 'read or delete what this stage in your AWS account stores, instead of the local cloud')
    .option('--yes', 'do not ask')
    .action(run)
}

async function run({ json, types, markdown, check, record: recordNew, accept, remove, stage, yes }: Options): Promise<void> {
  if (check) return checkRevisions()
  if (recordNew) return record()
  if (accept !== undefined) return acceptChange(accept)
  if (remove !== undefined) return printRemoved(await removeStored(await findTarget(stage), remove, yes === true))
  if (markdown) return console.log(catalogueMarkdown({ eventTypes, projections, reports }))
  if (types) return json ? printJson({ eventTypes: catalogue().eventTypes }) : printTypes(catalogue())
  const gone = await goneIn(stage)
  if (json) printJson({ ...catalogue(), ...(gone && { gone }) })
  else print(catalogue(), gone ?? [])
}

/** What a stage stores of removed projections. Without `--stage`: the local cloud, if it runs; undefined if it does not. */
async function goneIn(stage: string | undefined): Promise<StoredProjection[] | undefined> {
  if (stage !== undefined) return readGone(await findTarget(stage))
  if (!existsSync(LOCAL_OUTPUTS)) return undefined
  try {
    return await readGone(await findTarget(undefined))
  } catch {
    console.error('The local cloud does not respond: what it stores of removed projections is not listed.')
    return undefined
  }
}

const printRemoved = (removed: readonly StoredProjection[]): void => {
  for (const { projection, documents, states, windows } of removed)
    console.log(`${projection}: ${documents ?? 0} documents, ${states} states of users and ${windows} items of windows deleted.`)
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

function printTypes({ eventTypes: types }: Pick<ReturnType<typeof catalogue>, 'eventTypes'>): void {
  for (const { name, about, columns } of types)
    console.log(`${name}: ${about}\n${formatTable(columns, ['field', 'column', 'type'])}\n`)
}

function print(
  { projections: listed, reports: published, ...types }: ReturnType<typeof catalogue>,
  gone: readonly StoredProjection[],
): void {
  printTypes(types)
  console.log(`Projections\n${formatTable(listed, ['name', 'revision', 'scope', 'on'])}\n`)
  console.log(`Reports\n${formatTable(published, ['name', 'of', 'runs'])}`)
  if (gone.length === 0) return
  const rows = gone.map(each => ({ ...each, aliases: each.aliases.join(', ') }))
  const columns = ['projection', 'documents', 'aliases', 'states', 'windows']
  console.log(`\nStored, but not in the catalogue; delete with --remove NAME\n${formatTable(rows, columns)}`)
}
