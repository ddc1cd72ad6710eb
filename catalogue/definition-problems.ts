import * as z from 'zod/mini'
import { columnType } from '../shared/archive-columns.ts'
import type { EventType } from '../shared/event-type.ts'
import { type Projection, projectionKey } from '../shared/projection.ts'
import type { Report } from '../shared/report.ts'
import { fieldMapping } from '../shared/search-index.ts'
import type { Sources } from './sources.ts'

interface Catalogue {
  readonly eventTypes: readonly EventType[]
  readonly projections: readonly Projection[]
  readonly reports: readonly Report[]
}

const MOST_HOURS = 23

/** What cannot work in the definitions of a catalogue: one line each, with file, name, field and remedy. */
export const definitionProblems = ({ eventTypes, projections, reports }: Catalogue, fileOf: Sources): string[] => [
  ...eventTypes.flatMap(type => typeProblems(type).map(problem => `${fileOf(type)}: ${problem}`)),
  ...projections.flatMap(each => projectionProblems(each).map(problem => `${fileOf(each)}: ${problem}`)),
  ...reports.flatMap(report => reportProblems(report).map(problem => `${fileOf(report)}: ${problem}`)),
  ...repeated(eventTypes, type => type.name.toLowerCase()).map(
    type => `${fileOf(type)}: another event type is named ${type.name} too; rename one.`,
  ),
  ...eventTypes
    .filter(({ name }) => name.toLowerCase() === 'events')
    .map(type => `${fileOf(type)}: no event type can be named ${type.name}, as the view of all events in SQL is; rename it.`),
  ...repeated(projections, projectionKey).map(
    each => `${fileOf(each)}: another projection has the name ${each.name} and revision ${each.revision} too; rename one.`,
  ),
  ...repeated(reports, report => report.name).map(
    report => `${fileOf(report)}: another report is named ${report.name} too; rename one.`,
  ),
]

const repeated = <Definition>(definitions: readonly Definition[], keyOf: (definition: Definition) => string): Definition[] =>
  definitions.filter((each, at) => definitions.findIndex(other => keyOf(other) === keyOf(each)) < at)

function typeProblems({ name, fields, added, idField }: EventType): string[] {
  const all = { ...fields, ...added }
  const withoutColumn = Object.entries(all).flatMap(([field, schema]) => {
    const problem = thrownBy(() => columnType(schema))
    return problem === undefined
      ? []
      : [
          `the field ${field} of ${name} has no archive column. ${problem} Or leave it out: fields that are not catalogued are kept in \`data\`.`,
        ]
  })
  return Object.hasOwn(all, idField)
    ? [
        ...withoutColumn,
        `the field ${idField} of ${name} is its idField; leave it out of fields: it becomes the id of the event.`,
      ]
    : withoutColumn
}

function projectionProblems({ name, grain, shape, ...definition }: Projection): string[] {
  const fields = shape.shape as Readonly<Record<string, z.ZodMiniType>>
  const key = grain.keyField(definition)
  const unmapped = Object.entries(fields).flatMap(([field, schema]) => {
    const problem = thrownBy(() => fieldMapping(schema))
    return problem === undefined ? [] : [`the field ${field} in the shape of ${name} has no mapping. ${problem}`]
  })
  const window =
    grain.hasWindow && !isInstant(fields['window_start'])
      ? [`the shape of ${name} has no window_start: z.iso.datetime(); documents of windows are found and sorted by it.`]
      : []
  const user =
    key !== undefined && !Object.hasOwn(fields, key)
      ? [`the key of ${name}, ${key}, is no field of its shape; add it: documents are found by it.`]
      : []
  return [...unmapped, ...window, ...user]
}

const isInstant = (schema: z.ZodMiniType | undefined): boolean =>
  schema !== undefined && z.safeParse(schema, '2026-01-01T00:00:00Z').success && fieldMapping(schema).type === 'date'

function reportProblems(report: Report): string[] {
  if (report.kind === 'daily') return []
  const { name, kind, everyHours } = report
  if (kind !== 'snapshot') return [`the report ${name} has no schedule; define it with dailyReport or snapshotReport.`]
  return Number.isInteger(everyHours) && everyHours >= 1 && everyHours <= MOST_HOURS
    ? []
    : [`the report ${name} would never run; everyHours must be an integer from 1 to ${MOST_HOURS}.`]
}

function thrownBy(call: () => unknown): string | undefined {
  try {
    call()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
