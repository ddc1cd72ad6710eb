import { parseDay } from '../../shared/time.ts'
import type { LedgerDay } from './dynamodb.ts'

const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS

/** How long objects are kept after nobody refers to them any more: longer than any run that may be reading them. */
export const GRACE_MS = 24 * HOUR_MS

/** The settings of the compaction. Times are milliseconds. */
export interface CompactionRules {
  /** A raw object of a day may arrive until this time after the end of the day: as long as the stream keeps events, and a day. */
  readonly settledAfter: number
  /** Raw objects are kept for this time after the run that replaces them became current. */
  readonly keepRaw: number
  /** Compacted days are kept for this time after their end. Undefined: without limit. */
  readonly keepDays: number | undefined
  /** A day with more bytes stays raw, because the disk could not hold it. */
  readonly maxBytes: number
}

const endOf = (dt: string): number => ((parseDay(dt) ?? 0) + 1) * DAY_MS

/** A day is compacted an hour after its end at the earliest: its last buffer is in the bucket by then. */
const isClosed = (dt: string, now: number): boolean => now >= endOf(dt) + HOUR_MS

export const isSettled = (dt: string, now: number, { settledAfter }: CompactionRules): boolean => now >= endOf(dt) + settledAfter

export const isExpired = (dt: string, now: number, { keepDays }: CompactionRules): boolean =>
  keepDays !== undefined && now >= endOf(dt) + keepDays

/** Whether the raw objects that the run replaces may be deleted: every reader, also of the Glue tables, has read the run for some time. */
export const mayDeleteRaw = (
  { run, registered, settled, switched }: LedgerDay,
  now: number,
  { keepRaw }: CompactionRules,
): boolean => settled === true && registered === run && now - switched > Math.max(keepRaw, GRACE_MS)

/**
 * The days on which something may be left to do, the earliest first. `raw` are the days that have raw objects: of a finished day
 * these have come after everything was deleted, and must not stay unread.
 */
export function daysToVisit(raw: readonly string[], ledger: readonly LedgerDay[], now: number, rules: CompactionRules): string[] {
  const known = new Map(ledger.map(day => [day.dt, day]))
  const withRaw = new Set(raw)
  const isLeft = (dt: string): boolean => {
    const day = known.get(dt)
    if (!day?.finished) return isClosed(dt, now)
    return day.expired === undefined && (withRaw.has(dt) || isExpired(dt, now, rules))
  }
  return [...new Set([...raw, ...known.keys()])].filter(isLeft).sort()
}
