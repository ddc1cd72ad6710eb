import type { StepResult } from '../jobs/plan-job.ts'
import type { JobDefinition } from '../jobs/run-job.ts'
import { type CompactionDependencies, compactDay, planDays } from './compact-day.ts'
import type { MergeCursor } from './merge-day.ts'
import { DAY_MS } from './plan-compaction.ts'

/** The longest time that the merge of a day, or of an hour of a large day, takes. */
const STEP_MS = 10 * 60_000

/** The days that are left to visit, the earliest first, and how many were visited. */
interface CompactCursor {
  readonly days: readonly string[]
  readonly visited: number
  /** Where the merge of the first of the days continues. */
  readonly merge?: MergeCursor
}

/** Compacts the closed days of the archive, one in each step, or an hour of a day that is too large. */
export const compactJob = (dependencies: CompactionDependencies): JobDefinition<CompactCursor> => ({
  kind: 'compact',
  stepMs: STEP_MS,
  check: () => ({}),

  async plan() {
    const today = Math.floor(dependencies.now() / DAY_MS)
    for (const day of [today, today + 1]) await dependencies.partitions.point(new Date(day * DAY_MS).toISOString().slice(0, 10))
    return progress({ days: await planDays(dependencies), visited: 0 })
  },

  async step({ days, visited, merge }) {
    const [dt, ...left] = days
    if (dt === undefined) return progress({ days: left, visited })
    const { counts, next } = await compactDay(dt, dependencies, merge)
    if (next) return { ...progress({ days, visited, merge: next }), counts }
    return { ...progress({ days: left, visited: visited + 1 }), counts }
  },

  /** A day that cannot be compacted stays raw, and the next job tries it again. */
  skip: ({ days, visited }) => ({
    ...progress({ days: days.slice(1), visited: visited + 1 }),
    counts: { 'days failed': 1 },
  }),
})

const progress = (cursor: CompactCursor): StepResult<CompactCursor> => ({
  cursor: cursor.days.length === 0 ? null : cursor,
  done: cursor.visited,
  total: cursor.visited + cursor.days.length,
})
