import { rm } from 'node:fs/promises'
import pLimit from 'p-limit'
import { ARCHIVE_PREFIX, columnName, envelopeColumns, fieldColumns } from '../../shared/archive.ts'
import { reading } from '../../shared/events/reading.ts'
import { arrivalsView, type Workspace } from './duckdb.ts'
import { type ArchiveObject, eventObjects, type Footer, mayHoldDay, mayHoldEarlier, readFooter } from './plan-objects.ts'
import type { Period } from './plan-run.ts'
import type { Archive } from './s3.ts'

const FOOTERS_AT_ONCE = 32
const columns = [...envelopeColumns, ...fieldColumns(reading)]

interface Candidate extends ArchiveObject {
  /** Its place in the archive's order of arrival. */
  readonly place: number
  readonly footer: Footer
}

/** What one report reads with, and the named statements of its SQL. */
export interface Reader {
  readonly archive: Archive
  readonly workspace: Workspace
  readonly sql: (name: string) => string
}

/**
 * Loads every reading that a period needs, objects one after another, and returns the days (since 1970, ascending) to publish:
 * the new objects first, which say what the days are, then those that may hold more of these days, and at last the
 * repetitions that arrived earlier under another day. `since` (milliseconds since 1970) is what it means by new.
 */
export async function gatherReadings(period: Period, since: number, reader: Reader): Promise<number[]> {
  const candidates = await readFooters(reader.archive)
  const isNew = ({ modified }: ArchiveObject): boolean =>
    period === 'every day' || (period === 'days with arrivals' && modified >= since)
  const fresh = candidates.filter(candidate => isNew(candidate) && candidate.footer.timestamps !== 'none')
  await load(fresh, 'load', reader)

  const days = typeof period === 'object' ? [period.day] : (await loaded(reader)).map(({ day }) => day)
  const others = candidates.filter(candidate => !fresh.includes(candidate))
  const more = others.filter(({ footer }) => mayHoldDay(footer, days))
  await load(more, 'load', reader)

  const lastReceived = (await loaded(reader)).filter(({ day }) => days.includes(day)).map(({ received }) => received)
  const last = lastReceived.reduce((a, b) => (a > b ? a : b), -1n)
  const earlier = others.filter(candidate => !more.includes(candidate) && mayHoldEarlier(candidate.footer, last))
  await load(earlier, 'load repeats', reader)
  return days
}

async function readFooters(archive: Archive): Promise<Candidate[]> {
  const objects = eventObjects(await archive.list(ARCHIVE_PREFIX))
  const timestamp = columnName('reading', 'timestamp')
  return pLimit(FOOTERS_AT_ONCE).map(objects, async (object, place) => ({
    ...object,
    place,
    footer: readFooter(await archive.footer(object), timestamp),
  }))
}

/** Through the disk, one object at a time, so that a large archive needs no more room than its largest object. */
async function load(candidates: readonly Candidate[], statement: string, { archive, workspace, sql }: Reader): Promise<void> {
  const file = workspace.file('arrivals.parquet')
  for (const { key, place, footer } of candidates) {
    await archive.download(key, file)
    await workspace.run(arrivalsView(file, place, columns, footer.columns))
    await workspace.run(sql('arriving'))
    await workspace.run(sql(statement))
  }
  await rm(file, { force: true })
}

async function loaded({ workspace, sql }: Reader): Promise<{ day: number; received: bigint }[]> {
  const rows = await workspace.run(sql('loaded'))
  return rows.map(row => ({ day: row['day'] as number, received: row['last_received'] as bigint }))
}
