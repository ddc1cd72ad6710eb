import path from 'node:path'
import { findRepetitions } from '../../lambdas/archive/compaction-sql.ts'
import { sqlName, sqlString } from '../../lambdas/archive/duckdb.ts'
import { archiveColumns, type Column, type ColumnType, fieldColumns } from '../../shared/archive-columns.ts'
import type { EventType } from '../../shared/event-type.ts'
import type { Views } from './plan-query.ts'

const sqlTypes: Record<ColumnType, string> = { string: 'VARCHAR', bigint: 'BIGINT', double: 'DOUBLE', boolean: 'BOOLEAN' }

/** Holds what the views are made of, so that `SHOW TABLES` lists the views only. */
const SCHEMA = 'archive'
/** The relations of the schema. A query that names one of them reads the archive. */
const RELATIONS = ['deliveries', 'dropped', 'first_arrivals']

/** The view of all events. */
export const EVENTS = 'events'

/** The columns that every view has, with their SQL. */
const ENVELOPE: readonly (readonly [name: string, value: string])[] = [
  ['event_id', 'event_id'],
  ['event_type', 'event_type'],
  ['subject', 'subject'],
  ['source', 'source'],
  ['key_id', 'key_id'],
  ['event_time', 'make_timestamp(event_time_us)'],
  ['received_time', 'make_timestamp(received_time_us)'],
  ['dt', 'dt'],
  ['data', 'data'],
]

/** The folder of the objects of a day: DuckDB reads the column `dt` from its name. */
export const dayFolder = (dt: string): string => `dt=${dt}`

/** A file without rows, which gives the archive's columns to a folder without objects. Its day is before any arrival. */
export const NO_ROWS = `${dayFolder('0001-01-01')}/none.parquet`

/** Writes the file without rows. */
export const writeNoRows = (file: string, eventTypes: readonly EventType[]): string =>
  `COPY (SELECT ${archiveColumns(eventTypes).map(typed('NULL')).join(', ')} WHERE false) TO ${sqlString(file)} (FORMAT parquet)`

/** Writes the rows of some files to one, in their order. */
export const mergeFiles = (files: readonly string[], file: string, eventTypes: readonly EventType[]): string =>
  `COPY (SELECT ${archiveColumns(eventTypes).map(typed()).join(', ')}
FROM read_parquet([${[...files, noRowsBeside(file)].map(sqlString).join(', ')}], union_by_name = true, hive_partitioning = false))
TO ${sqlString(file)} (FORMAT parquet)`

/** The file without rows of the folder in which a file is: the others may lack columns. */
const noRowsBeside = (file: string): string => path.join(path.dirname(path.dirname(file)), NO_ROWS)

const typed =
  (value?: string) =>
  ({ name, type }: Column): string =>
    `CAST(${value ?? sqlName(name)} AS ${sqlTypes[type]}) AS ${sqlName(name)}`

/**
 * The views over the objects in a folder, whichever objects it has when a query runs. Columns that only some objects have are null
 * elsewhere. Of the deliveries of an identity, the views have the first: `DROP_REPETITIONS` says which ones to leave out.
 */
export function createViews(folder: string, eventTypes: readonly EventType[]): string {
  const columns = archiveColumns(eventTypes).map(typed()).join(', ')
  const files = sqlString(`${folder}/*/*.parquet`)
  return [
    `CREATE SCHEMA ${SCHEMA}`,
    `CREATE TABLE ${SCHEMA}.dropped (place VARCHAR, line BIGINT)`,
    `CREATE VIEW ${SCHEMA}.deliveries AS SELECT ${columns}, dt, filename AS place, file_row_number AS line
FROM read_parquet(${files}, union_by_name = true, filename = true, file_row_number = true, hive_partitioning = true, hive_types = {'dt': DATE})`,
    `CREATE VIEW ${SCHEMA}.first_arrivals AS FROM ${SCHEMA}.deliveries ANTI JOIN ${SCHEMA}.dropped USING (place, line)`,
    `CREATE VIEW ${EVENTS} AS SELECT ${ENVELOPE.map(([name, value]) => `${value} AS ${name}`).join(', ')} FROM ${SCHEMA}.first_arrivals`,
    ...eventTypes.map(typedView),
  ].join(';\n')
}

/** Finds the deliveries that the views leave out, once the objects are there. */
export const DROP_REPETITIONS = findRepetitions(SCHEMA)

function typedView(type: EventType): string {
  const data = ENVELOPE.filter(([name]) => name === 'data')
  const envelope = ENVELOPE.filter(each => !data.includes(each))
  const columns = [...envelope, ...fieldsOf(type), ...data].map(([name, value]) => `${value} AS ${sqlName(name)}`)
  return `CREATE VIEW ${sqlName(type.name)} AS SELECT ${columns.join(', ')} FROM ${SCHEMA}.first_arrivals WHERE event_type = ${sqlString(type.name)}`
}

/**
 * A column for each field of a type, with its SQL. It has the name of the field; if another column of the view would have that name, that
 * of the archive's column. DuckDB does not distinguish upper and lower case.
 */
export function fieldsOf(type: EventType): (readonly [name: string, value: string])[] {
  const fields = fieldColumns(type)
  const isTaken = (field: string): boolean =>
    [
      ...ENVELOPE.map(([name]) => name),
      ...fields.filter(other => other.field !== field).flatMap(other => [other.field, other.name]),
    ]
      .map(name => name.toLowerCase())
      .includes(field.toLowerCase())
  return fields.map(({ field, name }) => [isTaken(field) ? name : field, sqlName(name)])
}

/** The names that read the archive. */
export const viewsOf = (eventTypes: readonly EventType[]): Views =>
  new Map([
    ...[EVENTS, ...RELATIONS].map(name => [name, undefined] as const),
    ...eventTypes.map(({ name }) => [name.toLowerCase(), name] as const),
  ])
