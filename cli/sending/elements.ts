import { isBlank, OPEN_ARRAY } from '../../shared/json-structure.ts'
import { arraySplitter } from './array-splitter.ts'
import { lineSplitter } from './line-splitter.ts'
import { sequenceSplitter } from './sequence-splitter.ts'
import type { Element, Splitter } from './splitter.ts'

/** JSON lines, one JSON array, or consecutive JSON values that may have several lines. */
export type Form = 'lines' | 'array' | 'sequence'

const splitters: Record<Form, () => Splitter> = { lines: lineSplitter, array: arraySplitter, sequence: sequenceSplitter }

/** Whether the first byte that is not white space opens an array. */
export const startsArray = (head: Buffer): boolean => head.find(byte => !isBlank(byte)) === OPEN_ARRAY

/** Reads elements one by one in constant memory. Throws an error if the file does not have this form. */
export async function* readElements(chunks: AsyncIterable<Buffer>, form: Form): AsyncGenerator<Element> {
  const splitter = splitters[form]()
  for await (const chunk of chunks) yield* splitter.push(chunk)
  yield* splitter.finish()
}
