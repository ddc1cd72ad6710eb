import type { DayCounts } from '../../lambdas/archive/compact-day.ts'
import { type Amount, amountText } from '../sizes.ts'

/** What `compact --json` prints. */
interface Compaction {
  /** Days whose raw objects were merged. A day on which nothing was left to merge does not count. */
  readonly days: number
  /** Objects that readers of these days read before and after. Raw objects are deleted some days later. */
  readonly before: Amount
  readonly after: Amount
  /** Days that stay raw, because an hour of them is too large for the disk of the function. */
  readonly tooLarge: number
  /** Days that stay raw until the next job, because their compaction failed. */
  readonly failed: number
  /** Days that nobody reads from now on. */
  readonly expired: number
}

/** The counts of the job, as compactJob adds them up. */
type JobCounts = DayCounts & { readonly 'days failed'?: number }

export const compactionOf = (counts: JobCounts): Compaction => ({
  days: counts['days compacted'] ?? 0,
  before: { objects: counts['objects before'] ?? 0, bytes: counts['bytes before'] ?? 0 },
  after: { objects: counts['objects after'] ?? 0, bytes: counts['bytes after'] ?? 0 },
  ...{ tooLarge: counts['days too large'] ?? 0, failed: counts['days failed'] ?? 0, expired: counts['days expired'] ?? 0 },
})

export function sentenceOf({ days, before, after, tooLarge, failed, expired }: Compaction): string {
  const merged =
    days === 0
      ? 'No closed day has new objects.'
      : `${daysText(days)} compacted: ${amountText(before)} became ${amountText(after)}.`
  const others = [
    ...(tooLarge > 0 ? [`${daysText(tooLarge)} too large for the function`] : []),
    ...(failed > 0 ? [`${daysText(failed)} failed`] : []),
    ...(expired > 0 ? [`${daysText(expired)} expired`] : []),
  ]
  return others.length === 0 ? merged : `${merged} ${others.join(', ')}.`
}

const daysText = (days: number): string => `${days} ${days === 1 ? 'day' : 'days'}`
