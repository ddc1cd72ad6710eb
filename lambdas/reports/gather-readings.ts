import { ARCHIVE_PREFIX, columnName, envelopeColumns, fieldColumns } from '../../shared/archive-columns.ts'

import { reading } from '../../shared/events/reading.ts'
import type { Workspace } from './duckdb.ts'
import { type Candidate, loadObjects, readFooters } from './load-objects.ts'
import { type ArchiveObject, mayHoldDay, mayHoldEarlier } from './plan-objects.ts'
import type { Period } from './plan-run.ts'
import type { Archive } from './s3.ts'

const columns = [...envelopeColumns, ...fieldColumns(reading)]
/** Every reading has a timestamp; the event time may differ from it. */
const TIMESTAMP = columnName(reading.name, 'timestamp')

/** What one report reads with, and the named statements of its SQL. */
export interface ReportReader {
  readonly archive: Archive
  readonly workspace: Workspace
  readonly sql: (name: string) => string
}

/**
 * Loads every reading that a period needs, objects one after another, and returns the days (since 1970, ascending) to publish:
 * the new objects first, which say what the days are, then those that may hold more of these days, and at last the
 * repetitions that arrived earlier under another day. `since` (milliseconds since 1970) is what it means by new.
 */
export async function gatherReadings(period: Period, since: number, reader: ReportReader): Promise<number[]> {
  const candidates = await readFooters(reader.archive, ARCHIVE_PREFIX, [TIMESTAMP, 'received_time_us'])
  const isNew = ({ modified }: ArchiveObject): boolean =>
    period === 'every day' || (period === 'days with arrivals' && modified >= since)
  const fresh = candidates.filter(candidate => isNew(candidate) && candidate.footer.ranges[TIMESTAMP] !== 'none')
  await load(fresh, 'load', reader)

  const days = typeof period === 'object' ? [period.day] : (await loaded(reader)).map(({ day }) => day)
  const others = candidates.filter(candidate => !fresh.includes(candidate))
  const more = others.filter(({ footer }) => mayHoldDay(footer, TIMESTAMP, days))
  await load(more, 'load', reader)

  const lastReceived = (await loaded(reader)).filter(({ day }) => days.includes(day)).map(({ received }) => received)
  const last = lastReceived.reduce((a, b) => (a > b ? a : b), -1n)
  const earlier = others.filter(candidate => !more.includes(candidate) && mayHoldEarlier(candidate.footer, TIMESTAMP, last))
  await load(earlier, 'load repeats', reader)
  return days
}

async function load(candidates: readonly Candidate[], statement: string, { sql, ...reader }: ReportReader): Promise<void> {
  await loadObjects(candidates, columns, reader, async () => {
    await reader.workspace.run(sql('arriving'))
    await reader.workspace.run(sql(statement))
  })
}

async function loaded({ workspace, sql }: ReportReader): Promise<{ day: number; received: bigint }[]> {
  const rows = await workspace.run(sql('loaded'))
  return rows.map(row => ({ day: row['day'] as number, received: row['last_received'] as bigint }))
}
