import type { DailyReport } from '../../shared/report.ts'
import { FUTURE_DAYS } from './arrivals-table.ts'
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
  for (const step of sql.steps) await workspace.run(step)
  const rows = new Map<number, Record<string, number>>(days.map(day => [day, {}]))
  for (const table of report.tables) {
    const withRows = await workspace.run(sql.result(`days by ${table.by}`))
    for (const day of withRows.map(row => Number(row['day']))) {
      const counts = rows.get(day)
      if (!counts) continue
      await materialise(sql.result(`rows by ${table.by}`), { day }, workspace)
      counts[table.by] = await uploadDay({ report, run, table, day }, storage)
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
