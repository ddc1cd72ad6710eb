import type { SnapshotReport } from '../../shared/report.ts'
import { formatInstant } from '../../shared/time.ts'
import type { PublicationItem } from './dynamodb.ts'
import { gatherBefore } from './gather-arrivals.ts'
import { materialise, type RunDependencies, uploadPart } from './publish.ts'
import type { ReportSql } from './report-sql.ts'

const MICROS_PER_HOUR = 3_600_000_000n

interface SnapshotRun {
  readonly report: SnapshotReport
  readonly sql: ReportSql
  /** The report is computed as of this instant: microseconds since 1970, years 0001..9999. */
  readonly at: bigint
  readonly run: string
}

/** Computes the report as of an instant and uploads it under the run's prefixes. Returns its publication. */
export async function runSnapshot({ report, sql, at, run }: SnapshotRun, storage: RunDependencies): Promise<PublicationItem> {
  const { workspace } = storage
  const parameters = { at, since: at - BigInt(report.everyHours) * MICROS_PER_HOUR }
  await gatherBefore(report, at, storage)
  for (const step of sql.steps) await workspace.run(step, parameters)
  const count = await materialise(sql.result('rows'), parameters, workspace)
  const parts = Math.max(1, Math.ceil(count / report.rowsPerPart))
  const rows: Record<string, number> = {}
  for (let part = 0; part < parts; part++) rows[part] = await uploadPart({ report, run, part }, storage)
  return { period: formatInstant(at), run, rows }
}
