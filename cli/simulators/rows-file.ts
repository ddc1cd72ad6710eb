import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

const CHUNK_CHARACTERS = 2 ** 16

/** Writes rows in constant memory: one JSON array if the file name ends with `.json`, else JSON lines. Returns the number of rows. */
export async function writeRows(file: string, rows: Iterable<string>): Promise<number> {
  let count = 0
  function* counted(): Generator<string> {
    for (const row of rows) {
      count += 1
      yield row
    }
  }
  const parts = file.endsWith('.json') ? asArray(counted()) : asLines(counted())
  await pipeline(Readable.from(inChunks(parts)), createWriteStream(file))
  return count
}

function* asArray(rows: Iterable<string>): Generator<string> {
  let before = '[\n'
  for (const row of rows) {
    yield `${before}${row}`
    before = ',\n'
  }
  yield before === ',\n' ? '\n]\n' : '[]\n'
}

function* asLines(rows: Iterable<string>): Generator<string> {
  for (const row of rows) yield `${row}\n`
}

function* inChunks(parts: Iterable<string>): Generator<string> {
  let chunk = ''
  for (const part of parts) {
    chunk += part
    if (chunk.length < CHUNK_CHARACTERS) continue
    yield chunk
    chunk = ''
  }
  if (chunk !== '') yield chunk
}
