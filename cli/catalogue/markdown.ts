import { envelopeColumns, fieldColumns } from '../../shared/archive-columns.ts'
import type { EventType } from '../../shared/event-type.ts'
import { type JsonSchema, jsonSchemaOf } from '../../shared/json-schema.ts'
import { MAX_NAME_CHARACTERS } from '../../shared/limits.ts'
import { folds, type Projection, typeNames } from '../../shared/projection.ts'
import type { Report } from '../../shared/report.ts'
import { mappingOf } from '../../shared/search-index.ts'
import { tablesOf } from '../report/csv.ts'

interface Catalogue {
  readonly eventTypes: readonly EventType[]
  readonly projections: readonly Projection[]
  readonly reports: readonly Report[]
}

/** The catalogue as the page docs/events.md. */
export const catalogueMarkdown = ({ eventTypes, projections, reports }: Catalogue): string =>
  [
    '# Events',
    'Generated from the catalogue by `npx millrace catalogue --markdown > docs/events.md`. Do not edit: a test compares the two.\n' +
      'The JSON Schema of every type: `npx millrace catalogue --json`.',
    '## Every event',
    table(
      ['archive column', 'type', 'about'],
      envelopeColumns.map(({ name, type, about }) => [code(name), type, about]),
    ),
    ...eventTypes.flatMap(type => eventSection(type, projections)),
    '## Projections',
    table(
      ['projection', 'of', 'one document per', 'fields of the document'],
      projections.map(projection => [
        code(projection.name),
        typeNames(projection).map(code).join(', '),
        scopeOf(projection),
        Object.keys(mappingOf(projection.shape).properties).map(code).join(', '),
      ]),
    ),
    '## Reports',
    'Run one now with `npx millrace report NAME --show`; `--csv FILE` writes its rows to a file.',
    ...reports.flatMap(reportSection),
  ].join('\n\n')

/** When the schedule runs a report. */
export const scheduleOf = (report: Report): string => (report.kind === 'daily' ? 'daily' : `every ${report.everyHours} hours`)

function reportSection(report: Report): string[] {
  return [
    `### ${report.name}`,
    `${report.about} Of ${code(report.eventType.name)}, ${scheduleOf(report)}. Rows: ${code(`GET /v1/reports/${report.name}`)}.`,
    ...tablesOf(report).flatMap(({ by, columns }) => [
      ...(by ? [`With ${code(`by=${by}`)}:`] : []),
      table(
        ['column', 'type', 'about'],
        columns.map(({ name, type, about }) => [code(name), type, about]),
      ),
    ]),
  ]
}

/** What a projection has one document per: `user window`. */
export const scopeOf = ({ grain }: Projection): string => grain.name.replaceAll('-', ' ')

function eventSection(type: EventType, projections: readonly Projection[]): string[] {
  const { properties = {}, required = [] } = jsonSchemaOf(type)
  const rows = fieldColumns(type).map(({ field, name, type: columnType }) => {
    const schema = properties[field]
    const need = schema === undefined ? 'added by the server' : required.includes(field) ? 'required' : 'optional'
    return [code(field), schema === undefined ? columnType : valuesOf(schema), need, code(name), columnType]
  })
  const folded = projections.filter(projection => folds(projection, type.name)).map(({ name }) => code(name))
  return [
    `## ${type.name}`,
    `${type.about} Rows go to \`POST /v1/events/${type.name}\`; \`${type.idField}\` (1 to ${MAX_NAME_CHARACTERS} characters) is the id of the event, and further fields are kept in \`data\`.` +
      (folded.length > 0 ? ` Folded into ${folded.join(', ')}.` : ''),
    table(['field', 'value', '', 'archive column', 'type'], rows),
  ]
}

/** The values that a field accepts, in words. The limit of integers, 2^53, is omitted. */
function valuesOf({ type, anyOf, pattern, minimum, exclusiveMaximum }: JsonSchema): string {
  if (anyOf) return anyOf.map(valuesOf).join(' or ')
  const types = [type ?? 'any'].flat().join(' or ')
  if (pattern !== undefined) return `${types} like ${code(pattern)}`
  return exclusiveMaximum === undefined ? types : `${types} from ${minimum} to below ${exclusiveMaximum}`
}

const code = (text: string): string => `\`${text}\``

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
