import { FUTURE_DAYS } from './arrivals.ts'
import { gatherBefore, gatherDays } from './gather-arrivals.ts'
import { sinceOf } from './plan-run.ts'
import type { ReportEngine } from './report-engine.ts'
import type { ReportSql } from './report-sql.ts'

/** Computes a report in the process of the function: it loads the rows that the report needs, and runs its statements over them. */
export const duckdbEngine = (sql: ReportSql): ReportEngine => ({
  async computeDays(report, wanted, storage) {
    const { workspace } = storage
    const { days, skipped } = await gatherDays(report, wanted, storage)
    const ofFuture = new Set((await workspace.run(FUTURE_DAYS)).map(row => Number(row['day'])))
    await workspace.run(`CREATE TABLE days AS SELECT unnest(CAST([${days.join(', ')}] AS INTEGER[])) AS day`)
    for (const step of sql.steps) await workspace.run(step)
    return { days, skipped, ofFuture, resultOf: sql.result }
  },

  async computeBefore(report, at, storage) {
    await gatherBefore(report, at, storage)
    const parameters = { at, since: sinceOf(report, at) }
    for (const step of sql.steps) await storage.workspace.run(step, parameters)
    return { resultOf: sql.result }
  },
})
