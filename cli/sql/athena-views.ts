import { arrivedOn, type TableDays, tablesOf } from '../../lambdas/archive/athena-tables.ts'
import { sqlName, sqlString } from '../../lambdas/archive/duckdb.ts'
import type { DayTables } from '../../lambdas/archive/list-tables.ts'
import { envelopeColumns, fieldColumns, RAW_TABLE, REPETITIONS_TABLE } from '../../shared/archive-columns.ts'
import type { EventType } from '../../shared/event-type.ts'
import { UserError } from '../../shared/user-error.ts'
import type { TrinoSelect } from './trino-select.ts'
import { EVENTS, fieldsOf } from './views.ts'

/** The longest query that Athena takes: https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html */
const MAX_QUERY_BYTES = 262_144

/** The archive as a query in Athena sees it. */
export interface AthenaTables {
  readonly database: string
  readonly days: readonly DayTables[]
}

/** The names of the views. */
export const athenaViews = (eventTypes: readonly EventType[]): ReadonlySet<string> =>
  new Set([EVENTS, ...eventTypes.map(({ name }) => name.toLowerCase())])

/** A statement of Athena, and how many lines of it come before the first line of the person's query. */
export interface AthenaStatement {
  readonly text: string
  readonly linesBefore: number
}

/** Puts the views that a query names before it, as common table expressions. */
export function withViews(
  { text, names, with: own }: TrinoSelect,
  eventTypes: readonly EventType[],
  tables: AthenaTables,
): AthenaStatement {
  const views = [
    ...(names.has(EVENTS) ? [viewOf(EVENTS, undefined, tables)] : []),
    ...eventTypes.filter(({ name }) => names.has(name.toLowerCase())).map(type => viewOf(type.name, type, tables)),
  ]
  const keywords = own === 'recursive' ? 'WITH RECURSIVE' : 'WITH'
  const begin = views.length > 0 || own !== 'none' ? `${keywords} ${views.join(',\n')}` : ''
  const before = begin === '' ? '' : `${begin}${views.length > 0 && own !== 'none' ? ',' : ''}\n`
  const statement = `${before}${text}`
  if (Buffer.byteLength(statement) > MAX_QUERY_BYTES)
    throw new UserError('The query is longer than the 262,144 bytes that Athena takes, with the views that it names.')
  return { text: statement, linesBefore: before.split('\n').length - 1 }
}

/** The name of a column of a view, with its value over the columns of the archive. */
type ViewColumn = readonly [name: string, value: string]

const ENVELOPE: readonly ViewColumn[] = [
  ...['event_id', 'event_type', 'subject', 'source', 'key_id'].map(name => [name, name] as const),
  ['event_time', timestampOf('event_time_us')],
  ['received_time', timestampOf('received_time_us')],
  ['dt', 'CAST(dt AS DATE)'],
]

/** As in DuckDB, with microseconds. The decimal holds the nanoseconds of the years 0001 to 9999. */
function timestampOf(column: string): string {
  return `CAST(from_unixtime_nanos(CAST(${column} AS DECIMAL(38, 0)) * 1000) AT TIME ZONE 'UTC' AS TIMESTAMP(6))`
}

/**
 * The first arrival of each identity, of all types or of one: of arrivals at one time the one that is stored first. Compacted days have
 * the first of their arrivals, and raw objects that they replace have it again; repetitions never are the first.
 */
function viewOf(name: string, type: EventType | undefined, { database, days }: AthenaTables): string {
  const fields = type ? fieldsOf(type) : []
  const columns: readonly ViewColumn[] = [...ENVELOPE, ...fields, ['data', 'data']]
  const archived = [...envelopeColumns, ...(type ? fieldColumns(type) : []), { name: 'data' }].map(each => sqlName(each.name))
  const deliveries = tablesOf(days)
    .filter(table => table.name !== REPETITIONS_TABLE)
    .map(table => deliveriesOf(table, archived, database, type))
  // After WITH RECURSIVE, Trino wants the names of columns before AS.
  return `${sqlName(name)} (${columns.map(([column]) => sqlName(column)).join(', ')}) AS (
SELECT ${columns.map(([, value]) => value).join(', ')} FROM (
SELECT *, row_number() OVER (
PARTITION BY source, event_type, subject, event_id ORDER BY received_time_us, dt, is_raw, object, event_time_us) AS arrival
FROM (
${deliveries.join('\nUNION ALL\n')}
)) WHERE arrival = 1)`
}

function deliveriesOf(
  { name, days }: TableDays,
  columns: readonly string[],
  database: string,
  type: EventType | undefined,
): string {
  const ofType = type ? ` AND event_type = ${sqlString(type.name)}` : ''
  return `SELECT ${columns.join(', ')}, dt, ${name === RAW_TABLE} AS is_raw, "$path" AS object
FROM ${sqlName(database)}.${sqlName(name)} WHERE ${arrivedOn(days)}${ofType}`
}
