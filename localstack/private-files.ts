import { chmodSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../shared/user-error.ts'

const WRITABLE_BY_OTHERS = 0o022

/**
 * Lets only this user read `folder`, and whatever this process and its children create from now on. Lets only this user write to
 * `programs`, because they run as this user. Throws a UserError if that fails.
 */
export function keepPrivate(folder: string, programs: string): void {
  process.umask(0o077)
  mkdirSync(folder, { recursive: true })
  chmodSync(folder, 0o700)
  mkdirSync(programs, { recursive: true })
  const { mode } = statSync(programs)
  if (!(mode & WRITABLE_BY_OTHERS)) return
  try {
    chmodSync(programs, mode & ~WRITABLE_BY_OTHERS)
  } catch {
    throw new UserError(
      `Other users may write to ${programs}, and its programs run as you. Set MILLRACE_CACHE to a folder of your own, or run: chmod go-w ${programs}`,
    )
  }
}

/** Lets only this user write to what is in a folder. The CDK lets everybody write to its assets. */
export function forbidOthersToWriteIn(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue
    const path = join(entry.parentPath, entry.name)
    const { mode } = statSync(path)
    if (mode & WRITABLE_BY_OTHERS) chmodSync(path, mode & ~WRITABLE_BY_OTHERS)
  }
}
