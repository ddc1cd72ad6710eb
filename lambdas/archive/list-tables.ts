import pLimit from 'p-limit'
import type { LedgerDay } from './dynamodb.ts'
import { type Archive, type ArrivalDays, eventObjects, rawDays, rawPrefix, readReplaced } from './list-events.ts'

/** Which Glue tables have the deliveries of a day of arrival. Together they have each at least once. */
export interface DayTables {
  readonly dt: string
  /** Whether the table of the raw objects is to be read. */
  readonly raw: boolean
  /** Whether the tables of the compacted days are to be read. */
  readonly compacted: boolean
  /** Whether objects of the day may have been written since a time. */
  readonly isNew: boolean
}

const CONCURRENT_READS = 32

/**
 * The tables to read for each of some days of arrival, the earliest first. A day is read from its partitions of the compacted tables as soon as
 * these are registered. Raw objects that their run does not replace are not in these: then the raw day is read as well, so deliveries may
 * be there twice. No raw object is deleted before that.
 */
export async function listTables(
  { bucket, ledger }: Archive,
  since: number,
  { from = '', to = '~' }: ArrivalDays = {},
): Promise<DayTables[]> {
  const isWanted = (dt: string): boolean => dt >= from && dt <= to
  const compacted = new Map((await ledger.days()).map(day => [day.dt, day]))
  const days = [...new Set([...compacted.keys(), ...(await rawDays(bucket))])].filter(isWanted).sort()
  const found = await pLimit(CONCURRENT_READS).map(days, dt => tablesOf(dt, compacted.get(dt), since, bucket))
  return found.filter(({ raw, compacted: isCompacted }) => raw || isCompacted)
}

async function tablesOf(dt: string, day: LedgerDay | undefined, since: number, bucket: Archive['bucket']): Promise<DayTables> {
  if (day?.expired !== undefined) return { dt, raw: false, compacted: false, isNew: false }
  const hasSwitched = day !== undefined && day.switched >= since
  if (day?.settled) return { dt, raw: false, compacted: true, isNew: hasSwitched }
  const objects = eventObjects(await bucket.list(rawPrefix(dt)))
  const isNew = hasSwitched || objects.some(({ modified }) => modified >= since)
  if (day?.registered === undefined) return { dt, raw: objects.length > 0, compacted: false, isNew }
  const replaced = new Set(await readReplaced(bucket, { dt, run: day.registered }))
  return { dt, raw: objects.some(({ key }) => !replaced.has(key)), compacted: true, isNew }
}
