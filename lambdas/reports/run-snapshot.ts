import type { SnapshotReport } from '../../shared/report.ts'
import { formatInstant } from '../../shared/time.ts'
import type { PublicationItem } from './dynamodb.ts'
import { sinceOf } from './plan-run.ts'
import { materialise, type RunDependencies, uploadPart } from './publish.ts'
import type { ReportEngine } from './report-engine.ts'

interface SnapshotRun {
  readonly report: SnapshotReport
  readonly engine: ReportEngine
  /** The report is computed as of this instant: microseconds since 1970, years 0001..9999. */
  readonly at: bigint
  readonly run: string
}

/** Computes the report as of an instant and uploads it under the run's prefixes. Returns its publication. */
export async function runSnapshot({ report, engine, at, run }: SnapshotRun, storage: RunDependencies): Promise<PublicationItem> {
  const { resultOf } = await engine.computeBefore(report, at, storage, run)
  const parameters = { at, since: sinceOf(report, at) }
  const count = await materialise(resultOf('rows'), report, storage.workspace, parameters)
  const parts = Math.max(1, Math.ceil(count / report.rowsPerPart))
  const rows: Record<string, number> = {}
  for (let part = 0; part < parts; part++) rows[part] = await uploadPart({ report, run, part }, storage)
  return { period: formatInstant(at), run, rows }
}
