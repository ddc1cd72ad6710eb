import { createWriteStream } from 'node:fs'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { withTemporaryFolder } from '../temporary-folder.ts'

/** Copies a stream to a temporary file, which can be read twice, and deletes it after `use`. */
export async function spooled<T>(input: NodeJS.ReadableStream, use: (file: string) => Promise<T>): Promise<T> {
  return withTemporaryFolder('send', async folder => {
    const file = path.join(folder, 'input')
    await pipeline(input, createWriteStream(file, { mode: 0o600 }))
    return use(file)
  })
}
