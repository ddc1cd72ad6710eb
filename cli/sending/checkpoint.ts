import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { nothing, type Totals } from './deliver.ts'

/** How much of a file the API has confirmed. */
export interface Checkpoint extends Totals {
  readonly type: string
  readonly apiUrl: string
  /** Byte offset after the last confirmed element. */
  readonly offset: number
}

/** Stores the checkpoint of a file. A checkpoint for another event type or another API is ignored. */
export function checkpointFile(file: string, { type, apiUrl }: Pick<Checkpoint, 'type' | 'apiUrl'>) {
  return {
    async read(): Promise<Checkpoint> {
      const initial = { type, apiUrl, ...nothing, offset: 0 }
      try {
        const checkpoint = JSON.parse(await readFile(file, 'utf8')) as Checkpoint
        return checkpoint.type === type && checkpoint.apiUrl === apiUrl ? checkpoint : initial
      } catch {
        return initial
      }
    },
    async write(offset: number, { lines, accepted, quarantined }: Totals): Promise<void> {
      const checkpoint: Checkpoint = { type, apiUrl, offset, lines, accepted, quarantined }
      await mkdir(path.dirname(file), { recursive: true })
      await writeFile(`${file}.new`, JSON.stringify(checkpoint))
      await rename(`${file}.new`, file)
    },
    remove: () => rm(file, { force: true }),
  }
}
