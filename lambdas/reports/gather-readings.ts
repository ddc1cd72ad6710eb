import { ARCHIVE_PREFIX, columnName, envelopeColumns, fieldColumns } from '../../shared/archive-columns.ts'
import { reading } from '../../shared/events/reading.ts'
import type { Workspace } from './duckdb.ts'
import { type Candidate, loadObjects, readFooters } from './load-objects.ts'
import { type ArchiveObject, mayHoldDay, mayHoldEarlier } from './plan-objects.ts'
import type { Period } from './plan-run.ts'
import type { ArchiveBucket } from './s3.ts'

const columns = [...envelopeColumns, ...fieldColumns(reading)]
/** Every reading has a timestamp. The event time may differ from it. */
const TIMESTAMP = columnName(reading.name, 'timestamp')

/** The stores of a report run, and the named statements of its SQL. */
export interface ReportReader {
  readonly archive: ArchiveBucket
  readonly workspace: Workspace
  readonly sql: (name: string) => string
}

/**
 * Loads every reading that a period needs and returns the days to publish (since 1970, ascending). It loads three groups of
 * objects: new ones, which determine the days; others that may hold readings of these days; and others that may hold earlier
 * arrivals of the loaded events with another day. An object is new when it was written at `since` (milliseconds since 1970) or
 * later.
 */
export async function gatherReadings(period: Period, since: number, reader: ReportReader): Promise<number[]> {
  const candidates = await readFooters(reader.archive, ARCHIVE_PREFIX, [TIMESTAMP, 'received_time_us'])
  const isNew = ({ modified }: ArchiveObject): boolean =>
    period === 'every day' || (period === 'days with arrivals' && modified >= since)
  const newObjects = candidates.filter(candidate => isNew(candidate) && candidate.footer.ranges[TIMESTAMP] !== 'none')
  await load(newObjects, 'load', reader)

  const days = typeof period === 'object' ? [period.day] : (await loadedDays(reader)).map(({ day }) => day)
  const others = candidates.filter(candidate => !newObjects.includes(candidate))
  const sameDays = others.filter(({ footer }) => mayHoldDay(footer, TIMESTAMP, days))
  await load(sameDays, 'load', reader)

  const lastReceived = (await loadedDays(reader)).filter(({ day }) => days.includes(day)).map(({ received }) => received)
  const last = lastReceived.reduce((a, b) => (a > b ? a : b), -1n)
  const earlier = others.filter(candidate => !sameDays.includes(candidate) && mayHoldEarlier(candidate.footer, TIMESTAMP, last))
  await load(earlier, 'load repeats', reader)
  return days
}

async function load(candidates: readonly Candidate[], statement: string, { sql, ...reader }: ReportReader): Promise<void> {
  await loadObjects(candidates, columns, reader, async () => {
    await reader.workspace.run(sql('view'))
    await reader.workspace.run(sql(statement))
  })
}

/** The loaded days and the last arrival of each, in microseconds since 1970. */
async function loadedDays({ workspace, sql }: ReportReader): Promise<{ day: number; received: bigint }[]> {
  const rows = await workspace.run(sql('loaded days'))
  return rows.map(row => ({ day: row['day'] as number, received: row['last_received'] as bigint }))
}
