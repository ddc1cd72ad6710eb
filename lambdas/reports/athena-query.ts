import type { DailyReport, Report } from '../../shared/report.ts'
import { MICROS_PER_SECOND } from '../../shared/time.ts'
import { sqlString } from '../archive/duckdb.ts'
import { arrivalColumns, type DayRule, dayRule, requiredColumn } from './arrivals.ts'
import type { ReportSql } from './report-sql.ts'

const MICROS_PER_HOUR = 3600n * MICROS_PER_SECOND

/** What a run of a report covers. */
export type AthenaRun =
  /** Days since 1970. */
  | { readonly days: readonly number[] | 'every day' }
  /** Microseconds since 1970. */
  | { readonly at: bigint }

/**
 * One statement for Athena, which is Trino: the query `result` of `NAME.athena.sql` over the rows of tables of the archive.
 *
 * The file has the results of a report (report-sql.ts) and one other statement, `with`: definitions of common table expressions.
 * Before them stands `arrivals`, which has the columns of DuckDB's view but no `line`, and `object` is the object's address. A daily
 * report also has the table `days` with a column `day`. `$at` and `$since` of a snapshot are replaced by numbers.
 */
export function athenaQuery(report: Report, sql: ReportSql, result: string, run: AthenaRun, tables: readonly string[]): string {
  const before = 'at' in run ? ` AND event_time_us < ${run.at}` : ''
  const definitions = [
    `arrivals AS (${tables.map(table => rowsOf(report, table, before)).join('\nUNION ALL\n')})`,
    ...('days' in run ? [`days AS (${daysOf(run.days)})`] : []),
    ...sql.steps.map(step => step.trim()),
  ]
  const text = `WITH ${definitions.join(',\n')}\n${sql.result(result).trim()}`
  if ('days' in run || report.kind === 'daily') return text
  const since = run.at - BigInt(report.everyHours) * MICROS_PER_HOUR
  return text.replaceAll('$since', String(since)).replaceAll('$at', String(run.at))
}

function rowsOf(report: Report, table: string, before: string): string {
  const day = report.kind === 'daily' ? athenaDay(report) : undefined
  const columns = arrivalColumns(report).map(({ name }) => `"${name}"`)
  const values = ['"$path" AS object', ...(day ? [`${day.value} AS day`, `${day.fromFuture} AS from_future`] : []), ...columns]
  return `SELECT ${values.join(', ')} FROM ${table}
WHERE event_type = ${sqlString(report.eventType.name)} AND "${requiredColumn(report)}" IS NOT NULL${day ? ` AND ${day.exists}` : ''}${before}`
}

/** Trino divides integers as `//` does in DuckDB, and two integers are not divided as doubles. */
function athenaDay(report: DailyReport): DayRule {
  const { value, fromFuture, exists } = dayRule(report)
  return { value: value.replace('//', '/'), fromFuture: fromFuture.replace(/ \/ (\d+)$/, ' / $1e0'), exists }
}

const daysOf = (days: readonly number[] | 'every day'): string =>
  days === 'every day' ? 'SELECT DISTINCT day FROM arrivals' : `SELECT day FROM (VALUES ${days.join(', ')}) AS listed (day)`
