/** One event as it is in its file. */
export interface Element {
  /** The element's text, JSON or not, on one line. */
  readonly text: Buffer
  /** Byte offset after the element. */
  readonly end: number
}

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
