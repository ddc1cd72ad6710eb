import { arraySplitter } from './array-splitter.ts'
import { isBlank, OPEN_ARRAY } from './element-buffer.ts'
import { lineSplitter } from './line-splitter.ts'
import type { Element, StartPosition } from './splitter.ts'

/** JSON lines, or one JSON array. */
export type Form = 'lines' | 'array'

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
