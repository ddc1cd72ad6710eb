import type { DailyReport } from '../../shared/report.ts'
import type { Workspace } from '../archive/duckdb.ts'
import type { PublicationItem } from './dynamodb.ts'
import { dateOf, type SkippedDays } from './plan-run.ts'
import { materialise, type RunDependencies, uploadDay } from './publish.ts'
import type { DaysWanted, ReportEngine } from './report-engine.ts'

interface DailyRun extends DaysWanted {
  readonly report: DailyReport
  readonly engine: ReportEngine
}

export interface StoredDays {
  /** One for each day. */
  readonly publications: readonly PublicationItem[]
  readonly skipped: SkippedDays
}

/** Computes the days of a period and uploads them under the run's prefixes. */
export async function runDaily({ report, engine, ...wanted }: DailyRun, storage: RunDependencies): Promise<StoredDays> {
  const { workspace } = storage
  const { run } = wanted
  const { days, ofFuture, skipped, resultOf } = await engine.computeDays(report, wanted, storage)
  const rows = new Map<number, Record<string, number>>(days.map(day => [day, {}]))
  for (const table of report.tables) {
    await materialise(resultOf(`rows by ${table.by}`), table, workspace)
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

/** The days, since 1970, that have rows in the table `published`. */
async function publishedDays(workspace: Workspace): Promise<number[]> {
  const days = await workspace.run("SELECT DISTINCT date - DATE '1970-01-01' AS day FROM published ORDER BY day")
  return days.map(row => Number(row['day']))
}
