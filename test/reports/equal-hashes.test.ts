import path from 'node:path'
import { openWorkspace, type Workspace } from '../../lambdas/archive/duckdb.ts'
import { publishedQuery } from '../../lambdas/reports/published-query.ts'
import { type ReportSql, readReportSql, resultsOf } from '../../lambdas/reports/report-sql.ts'
import { reportsFolder } from '../../shared/catalogue.ts'
import type { Report } from '../../shared/report.ts'
import { durationP95 } from '../../shared/reports/duration-p95.ts'
import { enrichedActions } from '../../shared/reports/enriched-actions.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const folder = temporaryFolder('equal-hashes')
const PARAMETERS = { at: 4000n, since: 2000n }

/** Deliveries of 3,000 events of four users on two days; some have no subject, and every tenth is delivered twice, the second time with other values. */
const arrivals = (fields: string): string => `
SELECT
  n // 100 AS object, n % 100 AS line, 'test' AS source, CASE WHEN event % 7 > 0 THEN 'user-' || event % 4 END AS subject,
  'e' || event // 4 AS event_id, event AS event_time_us, n AS received_time_us, ${fields}
FROM (SELECT n, CASE WHEN n % 10 = 9 THEN n - 5 ELSE n END AS event FROM range(3000) numbers(n))`

const inputs: readonly (readonly [Report, string])[] = [
  [
    durationP95,
    `CAST(20000 + event % 2 AS INTEGER) AS day, 'd' || event % 2 AS reading_device_id, 'thermo' AS reading_device_type,
  n * 1.5 AS reading_event_duration`,
  ],
  [
    enrichedActions,
    `event % 4 AS app_action_user_id, 'app' AS app_action_app_name, 'action-' || n % 3 AS app_action_event_action,
  'category' AS app_action_event_category, n AS app_action_event_value`,
  ],
]

async function rowsOf(report: Report, sql: ReportSql, workspace: Workspace): Promise<string[]> {
  await workspace.run('CREATE TABLE days AS SELECT unnest([20000, 20001]) AS day')
  for (const step of sql.steps) await workspace.run(step, PARAMETERS)
  const rows: string[] = []
  for (const [name, table] of resultsOf(report))
    for (const row of await workspace.run(publishedQuery(sql.result(name), table), PARAMETERS))
      rows.push(Object.values(row).join(' '))
  return rows
}

test.each(inputs.map(([report, fields]) => [report.name, report, fields] as const))(
  'the rows of %s do not depend on the hashes of identities',
  async (name, report, fields) => {
    const found: string[][] = []
    for (const [at, identity] of ['hash(source, subject, event_id)', 'hash(event_id)', 'CAST(0 AS UBIGINT)'].entries()) {
      const workspace = await openWorkspace(path.join(folder, `${name}-${at}`), 512)
      await workspace.run(`CREATE TABLE arrivals AS SELECT *, ${identity} AS identity FROM (${arrivals(fields)})`)
      found.push(await rowsOf(report, readReportSql(reportsFolder, report), workspace))
      await workspace.close()
    }
    const [rows = [], ...others] = found
    expect(rows.length).toBeGreaterThan(2)
    for (const other of others) expect(other).toEqual(rows)
  },
)
