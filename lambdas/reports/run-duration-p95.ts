import { durationP95 } from '../../shared/reports/duration-p95.ts'
import { statementsOf } from './duckdb.ts'
import sqlText from './duration-p95.sql'
import type { PublicationItem } from './dynamodb.ts'
import { gatherReadings } from './gather-readings.ts'
import { dateOf, type Period } from './plan-run.ts'
import { type RunDependencies, uploadDay } from './publish.ts'

const sql = statementsOf('duration-p95.sql', sqlText)

/** The query for the rows of one day and table, with the published columns. Run the statement `deduplicate` first. */
const dayQuery = (dimension: string, day: number): string =>
  `SELECT date, name AS ${dimension}, * EXCLUDE (date, name) FROM duration_p95('${dimension}', ${day}) ORDER BY ALL`

/** Computes the days of a period and uploads them under the run's prefixes. Returns one publication per day. */
export async function runDurationP95(
  { period, since, run }: { readonly period: Period; readonly since: number; readonly run: string },
  storage: RunDependencies,
): Promise<PublicationItem[]> {
  const { workspace } = storage
  await workspace.run(sql('create'))
  const days = await gatherReadings(period, since, { ...storage, sql })
  await workspace.run(sql('deduplicate'))
  const rows = new Map<number, Record<string, number>>(days.map(day => [day, {}]))
  for (const table of durationP95.tables) {
    const reported = await workspace.run(sql('reported days'), { dimension: table.dimension })
    for (const day of reported.map(row => row['day'] as number)) {
      const counts = rows.get(day)
      if (counts)
        counts[table.by] = await uploadDay(dayQuery(table.dimension, day), { report: durationP95, run, table, day }, storage)
    }
  }
  return [...rows].map(([day, counts]) => ({ period: dateOf(day), run, rows: counts }))
}
