import type { Arrival, Envelope } from './acceptance.ts'

import type { Rejection } from './rejections.ts'

/** One element of a body: an element of its array, a line of its NDJSON, or the body itself. */
export interface Element {
  /** 0-based, among the array's elements or the non-blank lines. */
  readonly index: number
  /** Undefined: the line is not JSON. */
  readonly value: unknown
  /** The text as sent. */
  readonly text: string
}

/** A body as its elements, before anybody has asked what they mean. */
export interface Body {
  readonly elements: readonly Element[]
  /** The object around an SDK's `batch`: what it says once for all events, without them. */
  readonly batchDefaults?: Readonly<Record<string, unknown>>
}

/** One event of a request, or what is none. */
export interface DecodedElement {
  /** 0-based element or non-blank line of the body. */
  readonly index: number
  /** Undefined: the element is not JSON, or not an object. */
  readonly envelope: Envelope | undefined
  /** The element as sent. */
  readonly text: string
  /** Why the dialect takes the element for no event, in a sentence for the sender. */
  readonly problem?: string | undefined
}

/** A wire format: what a body says, as envelopes; a rejection refuses the body as a whole. */
export type Dialect = (body: Body, arrival: Pick<Arrival, 'eventTypes' | 'keyName'>) => readonly DecodedElement[] | Rejection

/** The text of an element without the write key that it carries: a key is kept nowhere. */
export const withoutKey = (text: string, writeKey: unknown): string =>
  typeof writeKey === 'string' ? text.replaceAll(JSON.stringify(writeKey), '""') : text
