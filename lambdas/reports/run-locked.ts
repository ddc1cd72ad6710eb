import { SafeError } from '../../shared/safe-error.ts'
import type { ReportsTable } from './dynamodb.ts'
import type { RunResult } from './publish.ts'

interface LockedRun {
  /** The name of the report, and of the run's lock. */
  readonly report: string
  readonly name: string
  /** The id of the run. */
  readonly run: string
  /** Milliseconds since 1970. */
  readonly now: number
  readonly once: boolean
}

/** Runs with the lock. Throws if another run holds it; `isNew` is false if the result is that of an earlier run. */
export async function runLocked(
  { report, name, run, now, once }: LockedRun,
  table: Pick<ReportsTable, 'lock' | 'finish' | 'release'>,
  work: () => Promise<RunResult>,
): Promise<{ readonly result: RunResult; readonly isNew: boolean }> {
  const lock = await table.lock(report, name, run, now, once)
  if (lock.state === 'done') return { result: lock.result as RunResult, isNew: false }
  if (lock.state === 'held')
    throw new SafeError(
      `Another run of this report is active. Try again when it has ended, at the latest after ${new Date(lock.until).toISOString()}.`,
    )
  const result = await work().catch(async (error: unknown) => {
    // A lock that is not released expires. Why the run failed says more than why its lock was not released.
    await table.release(report, name, run).catch(() => false)
    throw error
  })
  await table.finish(report, name, run, result)
  return { result, isNew: true }
}
