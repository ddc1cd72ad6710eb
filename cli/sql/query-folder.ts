import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { UserError } from '../../shared/user-error.ts'
import { onEndSignal } from '../signals.ts'

/** Calls `run` with a new folder that only this user can read, and deletes it afterwards, also after Ctrl-C. */
export async function withQueryFolder<T>(run: (folder: string) => Promise<T>): Promise<T> {
  if (/[*?[]/.test(tmpdir()))
    throw new UserError(`The temporary folder ${tmpdir()} has a wildcard of DuckDB in its name. Set TMPDIR to another one.`)
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-sql-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  const stopListening = onEndSignal(code => {
    remove()
    process.exit(code)
  })
  try {
    return await run(folder)
  } finally {
    stopListening()
    remove()
  }
}
