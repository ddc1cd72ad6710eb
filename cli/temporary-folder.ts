import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { UserError } from '../shared/user-error.ts'
import { onEndSignal } from './signals.ts'

/** Calls `run` with a new folder that only this user can read, and deletes it afterwards, also if a signal ends the command. */
export async function withTemporaryFolder<T>(name: string, run: (folder: string) => Promise<T>): Promise<T> {
  let folder: string | undefined
  const remove = (): void => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
  // The signals are heard from before the folder exists until it is gone: one that nobody hears would leave the folder.
  const stopListening = onEndSignal(code => {
    remove()
    process.exit(code)
  })
  try {
    folder = create(`millrace-${name}-`)
    return await run(folder)
  } finally {
    remove()
    stopListening()
  }
}

function create(prefix: string): string {
  try {
    return mkdtempSync(path.join(tmpdir(), prefix))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new UserError(`No folder can be created in ${tmpdir()} (${code}). Set TMPDIR to one that you can write to.`)
  }
}
