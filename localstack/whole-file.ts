import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** Writes a file in one step: a reader finds the old content or the new one, never a part. */
export function writeWhole(file: string, text: string, mode = 0o666): void {
  const written = `${file}.${process.pid}`
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(written, text, { mode })
  renameSync(written, file)
}
