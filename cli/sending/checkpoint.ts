import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { nothing, type Totals } from './deliver.ts'

/** What is sent where. */
export interface Sending {
  /** Absolute path, or `-` for standard input. */
  readonly file: string
  readonly type: string
  readonly apiUrl: string
}

/** How much of a file the API has confirmed. */
export interface Checkpoint extends Totals {
  /** The hash of the file up to the last confirmed element; '' before the first. */
  readonly digest: string
  /** Whether the whole file was sent. */
  readonly complete: boolean
}

const initial: Checkpoint = { ...nothing, digest: '', complete: false }

/** Stores the checkpoint of a file, event type and API below a folder. Several processes may write it: each write is whole. */
export function checkpointFile(folder: string, { file, type, apiUrl }: Sending) {
  const name = createHash('sha256')
    .update(JSON.stringify([file, type, apiUrl]))
    .digest('hex')
    .slice(0, 32)
  const stored = path.join(folder, `${name}.json`)
  return {
    async read(): Promise<Checkpoint> {
      try {
        return { ...initial, ...(JSON.parse(await readFile(stored, 'utf8')) as Checkpoint) }
      } catch {
        return initial
      }
    },
    async write(checkpoint: Checkpoint): Promise<void> {
      const written = `${stored}.${randomUUID()}`
      await mkdir(folder, { recursive: true })
      await writeFile(written, JSON.stringify({ file, type, apiUrl, ...checkpoint }))
      await rename(written, stored)
    },
  }
}
