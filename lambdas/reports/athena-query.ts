import type { DailyReport, Report } from '../../shared/report.ts'
import { arrivedOn, type TableDays, tablesOf } from '../archive/athena-tables.ts'
import { sqlName, sqlString } from '../archive/duckdb.ts'
import type { DayTables } from '../archive/list-tables.ts'
import { arrivalColumns, type DayRule, dayRule, nearCondition, requiredColumn } from './arrivals.ts'
import { type NearDays, sinceOf } from './plan-run.ts'
import type { ReportSql } from './report-sql.ts'

/** What a run of a report covers. */
export type AthenaRun =
  /** Days since 1970, at least one. */
  | { readonly days: readonly number[] }
  /** Microseconds since 1970. */
  | { readonly at: bigint }

/** The archive as Athena sees it. */
export interface AthenaArchive {
  readonly database: string
  readonly days: readonly DayTables[]
}

/**
 * One query of Athena, which is Trino: the result of this name in `NAME.athena.sql` over the tables of the archive.
 *
 * Each step of the file is definitions of common table expressions, without WITH. Before them stand `arrivals`, which has the columns of
 * DuckDB's view but no `line`, and `object` is the object's address; a delivery may be in it twice. A daily report also has the table
 * `days`. `$at` and `$since` of a snapshot are replaced by numbers.
 */
export function athenaQuery(report: Report, sql: ReportSql, result: string, run: AthenaRun, archive: AthenaArchive): string {
  const before = 'at' in run ? ` AND event_time_us < ${run.at}` : ''
  const definitions = [
    `arrivals AS (${arrivalsOf(report, archive, before)})`,
    ...('days' in run ? [`days AS (SELECT day FROM (VALUES ${run.days.join(', ')}) AS listed (day))`] : []),
    ...sql.steps.map(step => step.trim()),
  ]
  const text = `WITH ${definitions.join(',\n')}\n${sql.result(result).trim()}`
  if ('days' in run || report.kind === 'daily') return text
  return text.replaceAll('$since', String(sinceOf(report, run.at))).replaceAll('$at', String(run.at))
}

/** Stores the rows of a query as Parquet objects below an address, in no order. */
export const unloadStatement = (query: string, address: string): string =>
  `UNLOAD (SELECT * FROM (\n${query}\n)) TO ${sqlString(address)} WITH (format = 'PARQUET', compression = 'SNAPPY')`

function arrivalsOf(report: Report, { database, days }: AthenaArchive, before: string): string {
  const day = report.kind === 'daily' ? athenaDay(report) : undefined
  const columns = arrivalColumns(report).map(({ name }) => sqlName(name))
  const values = ['"$path" AS object', ...(day ? [`${day.value} AS day`, `${day.fromFuture} AS from_future`] : []), ...columns]
  return tablesOf(days)
    .map(table => `SELECT ${values.join(', ')} ${rowsOf(report, database, table)}${before}`)
    .join('\nUNION ALL\n')
}

/** The rows of the report's type in a table. */
function rowsOf(report: Report, database: string, { name, days }: TableDays): string {
  const exists = report.kind === 'daily' ? ` AND ${athenaDay(report).exists}` : ''
  return `FROM ${sqlName(database)}.${sqlName(name)}
WHERE ${arrivedOn(days)} AND event_type = ${sqlString(report.eventType.name)} AND ${sqlName(requiredColumn(report))} IS NOT NULL${exists}`
}

/** What a query of days covers. */
interface DaysQuery {
  readonly near: NearDays
  /** Only this day. */
  readonly only?: number | undefined
  /** Whether a day is published also for later arrivals of new events: these events do not count on it any more. */
  readonly withLater: boolean
}

/**
 * A query of the days of a report, or of one of them: each with the number of its arrivals on new days of arrival, whether it is to be
 * published because one of these, or a later arrival of a new event, is near the day, and whether all of its events are from the future.
 */
export function daysQuery(report: DailyReport, { database, days }: AthenaArchive, { near, only, withLater }: DaysQuery): string {
  const { value, fromFuture } = athenaDay(report)
  const isNew = arrivedOn(days.filter(day => day.isNew).map(({ dt }) => dt))
  const identity = withLater ? ', source, subject, event_id' : ''
  const tables = tablesOf(days).map(
    table =>
      `SELECT ${value} AS day, ${fromFuture} AS from_future, received_time_us, ${isNew} AS is_new${identity} ${rowsOf(report, database, table)}`,
  )
  const isToPublish = withLater ? '(is_new OR first_received <= received_time_us)' : 'is_new'
  return `WITH deliveries AS (${tables.join('\nUNION ALL\n')})${withLater ? `,\n${NEW_EVENTS}` : ''}
SELECT day, count_if(is_new) AS arrivals, coalesce(bool_or(${isToPublish} AND ${inTrino(nearCondition(near))}), false) AS is_near,
  bool_and(from_future) AS of_future
FROM deliveries${withLater ? ` ${JOIN_NEW_EVENTS}` : ''}${only === undefined ? '' : ` WHERE day = ${only}`} GROUP BY day ORDER BY day`
}

const NEW_EVENTS = `new_events AS (
  SELECT source, subject, event_id, min(received_time_us) AS first_received FROM deliveries WHERE is_new GROUP BY source, subject, event_id
)`
const JOIN_NEW_EVENTS = `LEFT JOIN new_events ON new_events.source = deliveries.source AND new_events.event_id = deliveries.event_id
  AND new_events.subject IS NOT DISTINCT FROM deliveries.subject`

/** Trino divides integers by `/` as DuckDB does by `//`, and two integers are not divided as doubles. */
const inTrino = (sql: string): string => sql.replace(' // ', ' / ')

function athenaDay(report: DailyReport): DayRule {
  const { value, fromFuture, exists } = dayRule(report)
  return { value: inTrino(value), fromFuture: fromFuture.replace(/ \/ (\d+)$/, ' / $1e0'), exists }
}
