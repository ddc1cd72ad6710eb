import { arraySplitter } from './array-splitter.ts'
import { isBlank, OPEN_ARRAY } from './element-buffer.ts'
import { lineSplitter } from './line-splitter.ts'

/** One event as it is in its file. */
export interface Element {
  /** The element's text, JSON or not, on one line. */
  readonly text: Buffer
  /** Byte offset after the element. */
  readonly end: number
}

/** JSON lines, or one JSON array. */
export type Form = 'lines' | 'array'

/** Where reading starts: at the start of the file (0, 0), or after the last of `count` elements. */
export interface StartPosition {
  readonly offset: number
  readonly count: number
}

/** Splits a file, given in chunks, into elements. */
export interface Splitter {
  /** The elements that end in this chunk. */
  push(chunk: Buffer): Iterable<Element>
  /** The elements that the end of the file completes. Throws a UserError if the file is incomplete. */
  finish(): Iterable<Element>
}

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])

/** The form of a file, from its first byte that is not white space, after an optional byte order mark. */
export function formOf(head: Buffer): Form {
  const start = head.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0
  return head.subarray(start).find(byte => !isBlank(byte)) === OPEN_ARRAY ? 'array' : 'lines'
}

/** Reads elements one by one in constant memory. The first chunk must start at `from`. Throws a UserError for a broken file. */
export async function* readElements(chunks: AsyncIterable<Buffer>, form: Form, from: StartPosition): AsyncGenerator<Element> {
  const splitter = form === 'lines' ? lineSplitter(from) : arraySplitter(from)
  for await (const chunk of chunks) yield* splitter.push(chunk)
  yield* splitter.finish()
}
