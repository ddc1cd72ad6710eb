import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'

/** Copies a stream to a temporary file, which can be read twice, and deletes it after `use`. */
export async function spooled<T>(input: NodeJS.ReadableStream, use: (file: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-send-'))
  try {
    const file = path.join(folder, 'input')
    await pipeline(input, createWriteStream(file, { mode: 0o600 }))
    return await use(file)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
