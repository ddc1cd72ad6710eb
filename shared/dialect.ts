import type { Envelope } from './event.ts'

/** One event of a request, or the text of what is none. */
export interface Spoken {
  /** 0-based element or non-blank line of the body. */
  readonly index: number
  /** Undefined: the element is not JSON, or not an object. */
  readonly envelope: Envelope | undefined
  /** The element as sent. */
  readonly text: string
}

/** A wire format: what the elements of a body say, as envelopes. */
export type Dialect = (
  elements: readonly { readonly index: number; readonly value: unknown; readonly text: string }[],
) => readonly Spoken[]
