import { ARCHIVE_PREFIX, columnName, envelopeColumns, fieldColumns } from '../../shared/archive-columns.ts'

import { appAction } from '../../shared/events/app-action.ts'
import { enrichedActions } from '../../shared/reports/enriched-actions.ts'
import { formatInstant } from '../../shared/time.ts'
import { statementsOf } from './duckdb.ts'
import type { PublicationItem } from './dynamodb.ts'
import sqlText from './enriched-actions.sql'
import { loadObjects, readFooters } from './load-objects.ts'
import { mayHoldBefore } from './plan-objects.ts'
import { type Storage, uploadPart } from './publish.ts'

const sql = statementsOf('enriched-actions.sql', sqlText)
const MICROS_AN_HOUR = 3_600_000_000n
const columns = [...envelopeColumns, ...fieldColumns(appAction)]
/** Every app_action has a user: objects whose footer shows none of this column hold none. */
const USER = columnName(appAction.name, 'user_id')

/** An instant as microseconds since 1970, years 0001..9999, and the run that makes the report as of it. */
export interface SnapshotRun {
  readonly at: bigint
  readonly run: string
}

/** Computes the report as of the instant and uploads it under the run's prefixes; returns what is there to publish. */
export async function runEnrichedActions(
  { at, run }: SnapshotRun,
  storage: Storage,
  report = enrichedActions,
): Promise<PublicationItem> {
  const { archive, workspace } = storage
  await workspace.run(sql('create'))
  const footers = await readFooters(archive, ARCHIVE_PREFIX, [USER, 'event_time_us'])
  const candidates = footers.filter(({ footer }) => mayHoldBefore(footer, USER, at))
  await loadObjects(candidates, columns, storage, () => workspace.run(sql('load'), { at }))

  await workspace.run(sql('settle'))
  await workspace.run(sql('count'), { since: at - BigInt(report.everyHours) * MICROS_AN_HOUR })
  await workspace.run(sql('favour'))
  await workspace.run(sql('enrich'))

  const [counted] = await workspace.run(sql('enriched'))
  const all = Math.max(1, Math.ceil(Number(counted?.['rows']) / report.rowsPerPart))
  const rows: Record<string, number> = {}
  for (let part = 0; part < all; part++)
    rows[part] = await uploadPart(partQuery(part, report.rowsPerPart), { report, run, part }, storage)
  return { period: formatInstant(at), run, rows }
}

/** The rows of one part in their order, which is the order they were stored in. */
const partQuery = (part: number, size: number): string =>
  `SELECT * FROM enriched WHERE rowid >= ${part * size} AND rowid < ${(part + 1) * size} ORDER BY rowid`
