import type { DailyReport } from '../../shared/report.ts'
import type { Workspace } from '../archive/duckdb.ts'
import { FUTURE_DAYS } from './arrivals.ts'
import type { PublicationItem } from './dynamodb.ts'
import { gatherDays } from './gather-arrivals.ts'
import { dateOf, type NearDays, type Period, type SkippedDays } from './plan-run.ts'
import { materialise, type RunDependencies, uploadDay } from './publish.ts'
import type { ReportSql } from './report-sql.ts'

interface DailyRun {
  readonly report: DailyReport
  readonly sql: ReportSql
  readonly period: Period
  /** Objects written at this time or later are new: milliseconds since 1970. */
  readonly since: number
  /** Which days a run for the days with arrivals publishes. */
  readonly near: NearDays
  readonly run: string
}

export interface ComputedDays {
  /** One for each day. */
  readonly publications: readonly PublicationItem[]
  readonly skipped: SkippedDays
}

/** Computes the days of a period and uploads them under the run's prefixes. */
export async function runDaily(
  { report, sql, period, since, near, run }: DailyRun,
  storage: RunDependencies,
): Promise<ComputedDays> {
  const { workspace } = storage
  const { days, skipped } = await gatherDays(report, { period, since, near }, storage)
  const ofFuture = new Set((await workspace.run(FUTURE_DAYS)).map(row => Number(row['day'])))
  await workspace.run(`CREATE TABLE days AS SELECT unnest(${sqlList(days)}) AS day`)
  for (const step of sql.steps) await workspace.run(step)
  const rows = new Map<number, Record<string, number>>(days.map(day => [day, {}]))
  for (const table of report.tables) {
    await materialise(sql.result(`rows by ${table.by}`), {}, workspace)
    for (const day of await publishedDays(workspace)) {
      const counts = rows.get(day)
      if (counts) counts[table.by] = await uploadDay({ report, run, table, day }, storage)
    }
  }
  const publications = [...rows].map(([day, counts]) => ({
    period: dateOf(day),
    run,
    rows: counts,
    ...(ofFuture.has(day) && { ofFuture: true }),
  }))
  return { publications, skipped }
}

const sqlList = (days: readonly number[]): string => `CAST([${days.join(', ')}] AS INTEGER[])`

/** The days, since 1970, that have rows in the table `published`. */
async function publishedDays(workspace: Workspace): Promise<number[]> {
  const days = await workspace.run("SELECT DISTINCT date - DATE '1970-01-01' AS day FROM published ORDER BY day")
  return days.map(row => Number(row['day']))
}
