import { setTimeout as delay } from 'node:timers/promises'
import { UserError } from '../../shared/user-error.ts'

const MISSING = ['ResourceNotFoundException', 'NoSuchBucket', 'NotFound', 'EntityNotFoundException']

/** Runs a call; undefined if what it names does not exist (any more). */
export async function unlessMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (MISSING.includes((error as Error).name)) return undefined
    throw error
  }
}

/** How long AWS may take to delete one resource, in milliseconds. */
const DELETION_MS = 15 * 60_000

/** Waits until a read finds nothing. Throws a UserError if that takes too long. */
export async function untilMissing(what: string, read: () => Promise<unknown>, pollMs: number): Promise<void> {
  for (const end = Date.now() + DELETION_MS; Date.now() < end; await delay(pollMs))
    if ((await unlessMissing(read())) === undefined) return
  throw new UserError(`AWS has not deleted ${what} within ${DELETION_MS / 60_000} minutes. Run the command again.`)
}
