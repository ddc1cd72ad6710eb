import { ARCHIVE_PREFIX, columnName, envelopeColumns, fieldColumns } from '../../shared/archive-columns.ts'
import { appAction } from '../../shared/events/app-action.ts'
import { enrichedActions } from '../../shared/reports/enriched-actions.ts'
import { formatInstant } from '../../shared/time.ts'
import { statementsOf } from './duckdb.ts'
import type { PublicationItem } from './dynamodb.ts'
import sqlText from './enriched-actions.sql'
import { loadObjects, readFooters } from './load-objects.ts'
import { mayHoldBefore } from './plan-objects.ts'
import { type RunDependencies, uploadPart } from './publish.ts'

const sql = statementsOf('enriched-actions.sql', sqlText)
const MICROS_PER_HOUR = 3_600_000_000n
const columns = [...envelopeColumns, ...fieldColumns(appAction)]
/** Every app_action has a user: an object without values in this column has no app_action. */
const USER_COLUMN = columnName(appAction.name, 'user_id')

interface SnapshotRun {
  /** The report is computed as of this instant: microseconds since 1970, years 0001..9999. */
  readonly at: bigint
  readonly run: string
}

/** Computes the report as of an instant and uploads it under the run's prefixes. Returns its publication. */
export async function runEnrichedActions(
  { at, run }: SnapshotRun,
  storage: RunDependencies,
  report = enrichedActions,
): Promise<PublicationItem> {
  const { archive, workspace } = storage
  await workspace.run(sql('create'))
  const footers = await readFooters(archive, ARCHIVE_PREFIX, [USER_COLUMN, 'event_time_us'])
  const candidates = footers.filter(({ footer }) => mayHoldBefore(footer, USER_COLUMN, at))
  await loadObjects(candidates, columns, storage, () => workspace.run(sql('load'), { at }))

  await workspace.run(sql('deduplicate'))
  await workspace.run(sql('count recent'), { since: at - BigInt(report.everyHours) * MICROS_PER_HOUR })
  await workspace.run(sql('rank actions'))
  await workspace.run(sql('enrich'))

  const [counted] = await workspace.run(sql('count rows'))
  const parts = Math.max(1, Math.ceil(Number(counted?.['rows']) / report.rowsPerPart))
  const rows: Record<string, number> = {}
  for (let part = 0; part < parts; part++)
    rows[part] = await uploadPart(partQuery(part, report.rowsPerPart), { report, run, part }, storage)
  return { period: formatInstant(at), run, rows }
}

/** The query for the rows of one part. Row ids follow the order in which the rows were inserted. */
const partQuery = (part: number, size: number): string =>
  `SELECT * FROM enriched WHERE rowid >= ${part * size} AND rowid < ${(part + 1) * size} ORDER BY rowid`
