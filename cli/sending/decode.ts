import { createReadStream } from 'node:fs'
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { UserError } from '../../shared/user-error.ts'

const HEAD_BYTES = 4

type Encoding = 'gzip' | 'utf-16le' | 'utf-16be' | 'utf-8 with BOM' | 'utf-8'

/** The bytes of a file as UTF-8 without a byte order mark. Reads gzip and UTF-16. */
export const readDecoded = (file: string): AsyncGenerator<Buffer> => decoded(createReadStream(file))

async function* decoded(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const { head, all } = await withHead(chunks)
  const encoding = encodingOf(head)
  if (encoding === 'gzip') yield* decoded(unzipped(all))
  else if (encoding === 'utf-16le' || encoding === 'utf-16be') yield* transcoded(all, encoding)
  else yield* encoding === 'utf-8' ? all : without(all, 3)
}

/** The encoding that the first bytes of a file show. JSON starts with an ASCII character: in UTF-16 one byte of it is 0. */
function encodingOf(head: Buffer): Encoding {
  const [a, b, c] = head
  if (a === 0x1f && b === 0x8b) return 'gzip'
  if (a === 0xef && b === 0xbb && c === 0xbf) return 'utf-8 with BOM'
  if ((a === 0xff && b === 0xfe) || (a !== 0 && b === 0)) return 'utf-16le'
  if ((a === 0xfe && b === 0xff) || (a === 0 && b !== 0)) return 'utf-16be'
  return 'utf-8'
}

/** The first bytes of a file, and all of it. */
async function withHead(chunks: AsyncIterable<Buffer>): Promise<{ head: Buffer; all: AsyncGenerator<Buffer> }> {
  const iterator = chunks[Symbol.asyncIterator]()
  let head: Buffer = Buffer.alloc(0)
  while (head.length < HEAD_BYTES) {
    const { value, done } = await iterator.next()
    if (done) break
    head = Buffer.concat([head, value])
  }
  async function* all(): AsyncGenerator<Buffer> {
    yield head
    yield* { [Symbol.asyncIterator]: () => iterator }
  }
  return { head, all: all() }
}

async function* without(chunks: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let left = bytes
  for await (const chunk of chunks) {
    yield chunk.subarray(left)
    left = Math.max(0, left - chunk.length)
  }
}

/** Removes the byte order mark, as TextDecoder does. */
async function* transcoded(chunks: AsyncIterable<Buffer>, encoding: 'utf-16le' | 'utf-16be'): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder(encoding)
  for await (const chunk of chunks) yield Buffer.from(decoder.decode(chunk, { stream: true }))
  yield Buffer.from(decoder.decode())
}

async function* unzipped(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gunzip = createGunzip()
  // The loop below sees every error; the callback only stops it from being thrown as unhandled.
  pipeline(Readable.from(chunks, { objectMode: true }), gunzip, () => {})
  try {
    yield* gunzip as AsyncIterable<Buffer>
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    if (!code.startsWith('Z_')) throw error
    throw new UserError(`The file is gzip, but damaged (${message}). Nothing was sent. Compress it again.`)
  }
}
