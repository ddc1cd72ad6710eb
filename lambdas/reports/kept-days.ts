import { SafeError } from '../../shared/safe-error.ts'
import { parseDay } from '../../shared/time.ts'
import type { ArchiveLedger } from '../archive/dynamodb.ts'
import { dateOf, type Period } from './plan-run.ts'

/** Days by which an event may be after its arrival: the clock of its sender may be ahead. */
const DAYS_AHEAD = 1

/**
 * The first day of a report (since 1970) of which no arrivals have expired (`archive.compaction.keepDays`). An earlier day must not be
 * published again: the run would replace all of its events by those that came late. To be called after the objects were listed: a day
 * that expires in between is known then.
 */
export async function firstWholeDay({ days }: Pick<ArchiveLedger, 'days'>): Promise<number> {
  const expired = (await days()).flatMap(({ dt, expired }) => (expired === undefined ? [] : [parseDay(dt) ?? 0]))
  return expired.reduce((first, day) => Math.max(first, day + DAYS_AHEAD + 1), Number.NEGATIVE_INFINITY)
}

/** Throws a one-line SafeError if the period is a day of which arrivals have expired. */
export function checkWhole(period: Period, first: number): void {
  if (typeof period === 'object' && period.day < first)
    throw new SafeError(
      `Arrivals of ${dateOf(period.day)} have expired from the archive, so it cannot be computed again. What is published of it stays.`,
    )
}
