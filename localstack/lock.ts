import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pidLine, runningPid } from './processes.ts'

const POLL_MS = 100

/**
 * Runs `work` while no other process holds the lock `file`, and calls `waiting` once with the pid of the process that holds it.
 * The file contains the holder's pid and start time, so a lock whose holder has ended is taken over.
 */
export async function withLock<Result>(
  file: string,
  waiting: (pid: number) => void,
  work: () => Promise<Result>,
): Promise<Result> {
  await acquire(file, waiting)
  try {
    return await work()
  } finally {
    rmSync(file, { force: true })
  }
}

async function acquire(file: string, waiting: (pid: number) => void): Promise<void> {
  mkdirSync(dirname(file), { recursive: true })
  let isReported = false
  while (!create(file)) {
    const holder = runningPid(file)
    if (holder === undefined) {
      if (await takeOver(file)) return
    } else if (!isReported) {
      waiting(holder)
      isReported = true
    }
    await delay(POLL_MS)
  }
}

/** Creates the lock with its content in one step. Returns false if it exists. */
function create(file: string): boolean {
  const written = writeOwn(file)
  try {
    linkSync(written, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  } finally {
    rmSync(written)
  }
}

/** Replaces the lock of a process that has ended. Of several processes that try, the lock of the takeover admits one at a time. */
const takeOver = (file: string): Promise<boolean> =>
  withLock(
    `${file}.takeover`,
    () => {},
    async () => {
      if (!isStale(file)) return false
      renameSync(writeOwn(file), file)
      return true
    },
  )

/** Whether the lock exists and its holder has ended. */
function isStale(file: string): boolean {
  try {
    readFileSync(file)
  } catch {
    return false
  }
  return runningPid(file) === undefined
}

/** Several locks of one process may be acquired at once, so each has a file of its own. */
function writeOwn(file: string): string {
  const written = `${file}.${process.pid}-${++count}`
  writeFileSync(written, pidLine(process.pid))
  return written
}

let count = 0
