/** One event as it is in its file. */
export interface Element {
  /** The element's text, JSON or not, on one line. Only its start if the element is oversized. */
  readonly text: Buffer
  /** The line of the file on which the element starts, counted from 1. */
  readonly line: number
  /** Larger than a request can be. */
  readonly isOversized: boolean
}

/** Splits a file, given in chunks, into elements. */
export interface Splitter {
  /** The elements that end in this chunk. */
  push(chunk: Buffer): Iterable<Element>
  /** The elements that the end of the file completes. Throws an error if the file is incomplete. */
  finish(): Iterable<Element>
}
