import type { Arrival, Envelope } from './acceptance.ts'
import type { Rejection } from './rejections.ts'

/** One element of a request body: an array element, an NDJSON line, or the whole body. */
export interface Element {
  /** 0-based position among the array elements or the non-blank lines. */
  readonly index: number
  /** Undefined if the line is not JSON. */
  readonly value: unknown
  /** The text as sent. */
  readonly text: string
}

/** A request body, split into elements. */
export interface Body {
  readonly elements: readonly Element[]
  /** The fields beside `batch` in the body of an SDK; they are defaults for every event. */
  readonly batchDefaults?: Readonly<Record<string, unknown>>
}

/** One element, decoded by a dialect. */
export interface DecodedElement {
  /** Same as `Element.index`. */
  readonly index: number
  /** Undefined if the element is not a JSON object. */
  readonly envelope: Envelope | undefined
  /** The text as sent, without the write key. */
  readonly text: string
  /** Why the dialect does not accept the element as an event: a sentence for the sender. */
  readonly problem?: string | undefined
}

/** A wire format: turns the elements of a body into envelopes. A rejection rejects the whole body. */
export type Dialect = (body: Body, arrival: Pick<Arrival, 'eventTypes' | 'keyName'>) => readonly DecodedElement[] | Rejection

/** The text of an element without its write key, because keys must never be stored. */
export const withoutKey = (text: string, writeKey: unknown): string =>
  typeof writeKey === 'string' ? text.replaceAll(JSON.stringify(writeKey), '""') : text
