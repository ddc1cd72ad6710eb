import { durationP95 } from '../../shared/reports/duration-p95.ts'
import { statements, type Workspace } from './duckdb.ts'
import sqlText from './duration-p95.sql'
import type { Publication } from './dynamodb.ts'
import { gatherReadings } from './gather-readings.ts'
import { dateOf, type Period } from './plan-run.ts'
import { uploadDay } from './publish.ts'
import type { Archive } from './s3.ts'

const named = statements(sqlText)

/** A statement of duration-p95.sql. Throws when there is none of that name. */
export function sql(name: string): string {
  const statement = named.get(name)
  if (!statement) throw new Error(`duration-p95.sql has no statement ${name}.`)
  return statement
}

/** The rows of one day and table, with the columns as they are published; needs the statement `settle`. */
export const dayQuery = (dimension: string, day: number): string =>
  `SELECT date, name AS ${dimension}, * EXCLUDE (date, name) FROM duration_p95('${dimension}', ${day}) ORDER BY ALL`

/** Computes the days of a period and uploads them under the run's prefixes; returns what is there to publish, a day each. */
export async function runDurationP95(
  { period, since, run }: { readonly period: Period; readonly since: number; readonly run: string },
  parts: { readonly archive: Archive; readonly workspace: Workspace },
): Promise<Publication[]> {
  const { workspace } = parts
  await workspace.run(sql('create'))
  const days = await gatherReadings(period, since, { ...parts, sql })
  await workspace.run(sql('settle'))
  const rows = new Map(days.map(day => [day, {} as Record<string, number>]))
  for (const table of durationP95.tables) {
    const large = await workspace.run(sql('days'), { dimension: table.dimension })
    for (const day of large.map(row => row['day'] as number)) {
      const counts = rows.get(day)
      if (counts)
        counts[table.by] = await uploadDay(dayQuery(table.dimension, day), { report: durationP95, run, table, day }, parts)
    }
  }
  return [...rows].map(([day, counts]) => ({ date: dateOf(day), run, rows: counts }))
}
