import { createHash } from 'node:crypto'
import type { Element } from './splitter.ts'

const DIGITS = 32

/** An element and the hash of the file up to and including it. */
export interface HashedElement extends Element {
  readonly digest: string
}

/**
 * Adds to each element the running hash of the elements up to it: it stays the same when rows are appended to the file, or when
 * its white space, compression or encoding changes.
 */
export async function* hashed(elements: AsyncIterable<Element>): AsyncGenerator<HashedElement> {
  let digest = ''
  for await (const element of elements) {
    digest = createHash('sha256').update(digest).update('\n').update(element.text).digest('hex').slice(0, DIGITS)
    yield { ...element, digest }
  }
}
