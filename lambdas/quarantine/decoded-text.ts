import { pipeline, Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { createGunzip } from 'node:zlib'

const CHUNK_BYTES = 2 ** 20

/** The text of an object whose bytes come in parts, decompressed if it is gzip. */
export async function* decodedText(parts: AsyncGenerator<Uint8Array>): AsyncGenerator<string> {
  const decoder = new StringDecoder()
  for await (const bytes of decompressed(parts)) yield decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
  yield decoder.end()
}

async function* decompressed(parts: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { value: first } = await parts.next()
  if (!first) return
  const all = startingWith(first, parts)
  if (first[0] === 0x1f && first[1] === 0x8b) yield* gunzipped(all)
  else yield* all
}

async function* startingWith(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first
  yield* rest
}

async function* gunzipped(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES })
  // The loop over `gunzip` sees every error; the callback only stops it from being thrown as unhandled.
  pipeline(Readable.from(parts, { objectMode: true }), gunzip, () => {})
  yield* gunzip as AsyncIterable<Buffer>
}

/** The lines of a text that comes in parts, without empty ones. */
export async function* linesOfParts(parts: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = ''
  for await (const part of parts) {
    const lines = (rest + part).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line !== '') yield line
  }
  if (rest !== '') yield rest
}
