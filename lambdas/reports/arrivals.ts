import { type Column, type ColumnType, columnName, envelopeColumns, fieldColumns } from '../../shared/archive-columns.ts'
import type { DailyReport, Report } from '../../shared/report.ts'
import { EARLIEST, FUTURE_MICROS, LATEST, MICROS_PER_SECOND, wholeSeconds } from '../../shared/time.ts'
import { sqlString } from '../archive/duckdb.ts'
import type { LoadedObject } from '../archive/load-objects.ts'
import type { NearDays } from './plan-run.ts'

const sqlTypes: Record<ColumnType, string> = { string: 'VARCHAR', bigint: 'BIGINT', double: 'DOUBLE', boolean: 'BOOLEAN' }

const SECONDS_PER_DAY = 86_400
const MICROS_PER_DAY = BigInt(SECONDS_PER_DAY) * MICROS_PER_SECOND
/** The envelope columns of the table: the identity and the times. The other one, `event_type`, is constant. */
const ENVELOPE: readonly string[] = ['source', 'subject', 'event_id', 'event_time_us', 'received_time_us']

/** Only within a run: another version of DuckDB may have another hash. */
const IDENTITY = 'hash(source, subject, event_id)'

/** The column that has a value in every row of the report's event type. */
export const requiredColumn = ({ eventType, requiredField }: Report): string => columnName(eventType.name, requiredField)

/** The column that gives the day of a row: `event_time_us`, or the column of a field. */
export const dayColumn = ({ eventType, day }: DailyReport): string =>
  day === 'event_time' ? 'event_time_us' : columnName(eventType.name, day.field)

/** The archive columns of `arrivals`. */
export function arrivalColumns({ eventType, fields }: Report): Column[] {
  const ofFields = fieldColumns(eventType).filter(({ field }) => fields.includes(field))
  return [...envelopeColumns.filter(({ name }) => ENVELOPE.includes(name)), ...ofFields]
}

const typedColumns = (report: Report): (readonly [name: string, type: string])[] => [
  ['object', 'INTEGER'],
  ['line', 'BIGINT'],
  ['identity', 'UBIGINT'],
  ...(report.kind === 'daily'
    ? ([
        ['day', 'INTEGER'],
        ['from_future', 'BOOLEAN'],
      ] as const)
    : []),
  ...arrivalColumns(report).map(({ name, type }) => [name, sqlTypes[type]] as const),
]

/** An empty file of arrivals, which has their columns. */
export const noArrivals = (report: Report): string =>
  `SELECT ${typedColumns(report)
    .map(([name, type]) => `CAST(NULL AS ${type}) AS "${name}"`)
    .join(', ')} WHERE false`

/**
 * The view `arrivals` over files in a folder: one row for each delivery of an event of the report's type. `object` (its place in the
 * archive) and `line` (the row in the object) give the order of arrival. `identity` is a hash of `source`, `subject` and `event_id`:
 * equal for equal identities, and by chance for others. A daily report also has `day`, the UTC day of the event
 * since 1970, and `from_future`: whether the event is more than 24 hours after its arrival.
 */
export const createArrivals = (folder: string): string =>
  `CREATE VIEW arrivals AS FROM read_parquet(${sqlString(`${folder}/*.parquet`)})`

/** Which rows of the report's type are read: all, those whose `identity` is in `arrivals`, or those before an instant (microseconds since 1970). */
export type ArrivalFilter = 'all' | 'repeats' | { readonly before: bigint }

function conditionOf(filter: ArrivalFilter): string {
  if (filter === 'all') return ''
  if (filter !== 'repeats') return ` AND event_time_us < ${filter.before}`
  return ` AND ${IDENTITY} IN (SELECT identity FROM arrivals)`
}

/** The rows of archive objects with one schema as rows of `arrivals`. A column that the objects do not have is null. */
export function arrivalsOf(report: Report, objects: readonly LoadedObject[], filter: ArrivalFilter): string {
  const day = report.kind === 'daily' ? dayRule(report) : undefined
  const names = arrivalColumns(report).map(({ name }) => `"${name}"`)
  const values = [
    'object',
    'line',
    `${IDENTITY} AS identity`,
    ...(day ? [`${day.value} AS day`, `${day.fromFuture} AS from_future`] : []),
    ...names,
  ]
  return `SELECT ${values.join(', ')}
FROM (${objectRows(report, objects)})
WHERE event_type = ${sqlString(report.eventType.name)} AND "${requiredColumn(report)}" IS NOT NULL${day ? ` AND ${day.exists}` : ''}${conditionOf(filter)}`
}

/** The rows of archive objects, cast to the types of the archive's columns. Files have the place of their object as name. */
function objectRows(report: Report, objects: readonly LoadedObject[]): string {
  const columns = objects[0]?.footer.columns
  const values = [...envelopeColumns, ...fieldColumns(report.eventType)].map(
    ({ name, type }) => `CAST(${columns?.has(name) ? `"${name}"` : 'NULL'} AS ${sqlTypes[type]}) AS "${name}"`,
  )
  const files = objects.map(({ file }) => sqlString(file)).join(', ')
  return `SELECT CAST(parse_filename(filename, true) AS INTEGER) AS object, file_row_number AS line, ${values.join(', ')}
FROM read_parquet([${files}], file_row_number = true, filename = true, hive_partitioning = false)`
}

/** Whether the day of a row is near the day of its arrival. */
export const nearCondition = (near: NearDays): string =>
  near === 'all' ? 'true' : `day - received_time_us // ${MICROS_PER_DAY} BETWEEN -${near.back} AND ${near.ahead}`

/**
 * The days, near their arrivals, of other rows that are later arrivals of the events of `arrivals` with another day: these events do not
 * count on them any more. Equal hashes may add a day.
 */
export const laterDaysQuery = (rows: string, near: NearDays): string =>
  `SELECT DISTINCT day FROM (${rows}) AS later WHERE ${nearCondition(near)} AND EXISTS (
FROM arrivals WHERE arrivals.identity = later.identity AND arrivals.day <> later.day AND arrivals.received_time_us <= later.received_time_us)`

/** The days of `arrivals` of which every event is from the future. */
export const FUTURE_DAYS = 'SELECT day FROM arrivals GROUP BY day HAVING bool_and(from_future) ORDER BY day'

/** Expressions of SQL over the columns of the archive. */
export interface DayRule {
  readonly value: string
  readonly fromFuture: string
  readonly exists: string
}

/** The day of a row since 1970 and the condition that it is in the years 0001 to 9999, both exact; and whether it is from the future. */
export function dayRule(report: DailyReport): DayRule {
  const column = `"${dayColumn(report)}"`
  if (report.day === 'event_time') {
    const sinceMidnight = `((${column} % ${MICROS_PER_DAY}) + ${MICROS_PER_DAY}) % ${MICROS_PER_DAY}`
    const value = `CAST((${column} - ${sinceMidnight}) // ${MICROS_PER_DAY} AS INTEGER)`
    return {
      value,
      fromFuture: `${column} > received_time_us + ${FUTURE_MICROS}`,
      exists: `${column} BETWEEN ${EARLIEST} AND ${LATEST}`,
    }
  }
  // The inner floor is exact, and the quotient of a whole number of seconds never rounds up to the next day.
  const value = `CAST(floor(floor(${column}) / ${SECONDS_PER_DAY}) AS INTEGER)`
  const fromFuture = `${column} > (received_time_us + ${FUTURE_MICROS}) / ${MICROS_PER_SECOND}`
  return { value, fromFuture, exists: `${column} >= ${wholeSeconds(EARLIEST)} AND ${column} < ${wholeSeconds(LATEST) + 1}` }
}
