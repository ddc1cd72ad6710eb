import type { Envelope } from './envelope.ts'
import type { EventType } from './event-type.ts'
import type { Headers } from './http.ts'
import type { Rejection } from './rejections.ts'

/** One element of a request body: an array element, an NDJSON line, or the whole body. */
export interface Element {
  /** 0-based position among the array elements or the non-blank lines. */
  readonly index: number
  /** Undefined if the line is not JSON. */
  readonly value: unknown
  /** The text as sent. */
  readonly text: string
  /**
   * A sentence for the sender if the element is not valid UTF-8. Then `text` has one character for each byte, and `value` has
   * replacement characters.
   */
  readonly encodingProblem?: string
}

/** A request body, split into elements. */
export interface Body {
  readonly elements: readonly Element[]
  /** The fields beside `batch` in the body of an SDK; they are defaults for every event. */
  readonly batchDefaults?: Readonly<Record<string, unknown>>
  /** The write keys in the body: that of the batch, or else those of its elements. */
  readonly writeKeys: readonly string[]
}

/** The body of a request in the form that a dialect asks for. Each form is read once. A malformed body gives a rejection. */
export interface BodyReader {
  /** The decompressed bytes. */
  bytes(): Uint8Array | Rejection
  /** The items of an array, the lines of NDJSON, or one object. */
  elements(): Body | Rejection
  /** The elements of the member `batch`, with the other members as defaults. Without a `batch`, as `elements`. */
  batch(): Body | Rejection
}

/** A request with events. */
export interface DialectRequest {
  /** The path of the route, not of the request: with `{name}` for a parameter. */
  readonly route: string
  readonly parameters: Readonly<Record<string, string>>
  readonly headers: Headers
  readonly body: BodyReader
  readonly eventTypes: ReadonlyMap<string, EventType>
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
  /** How many times of the element are not RFC 3339 and were ignored; 0 if absent. */
  readonly ignoredTimes?: number
  /** Same as `Element.encodingProblem`. */
  readonly encodingProblem?: string | undefined
}

/** A request for the settings that an SDK loads when it starts. */
export interface SettingsRequest {
  readonly parameters: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string | undefined>>
  readonly headers: Headers
  /** The name of this stage, with a port if it has one. */
  readonly host: string
}

/** What a route of a dialect does. */
export type DialectRoute = EventsRoute | DiscardingRoute | SettingsRoute

/** Accepts events; needs a write key. */
interface EventsRoute {
  readonly serves: 'events'
  readonly about: string
}

/** Accepts any body without a key, and stores nothing. */
interface DiscardingRoute {
  readonly serves: 'nothing'
  readonly about: string
}

/** Serves settings without a key. They depend on the request alone: an SDK that gets no settings sends no events. */
interface SettingsRoute {
  readonly serves: 'settings'
  readonly about: string
  settings(request: SettingsRequest): object
}

/** A wire format: its routes, and how a body becomes envelopes. */
export interface Dialect {
  readonly name: string
  readonly routes: Readonly<Record<`POST /${string}`, EventsRoute | DiscardingRoute> & Record<`GET /${string}`, SettingsRoute>>
  /** Whether a request is in this dialect. Only asked if an earlier dialect of the catalogue has the same route. */
  claims?(request: DialectRequest): boolean
  /** Reads the body in the form that the dialect needs. Called before the key is known, because the key may be in the body. */
  read(request: DialectRequest): Body | Rejection
  /** Turns each element into an envelope. A rejection rejects the whole body. `keyName` is the name of the write key. */
  decode(body: Body, request: DialectRequest, keyName: string): readonly DecodedElement[] | Rejection
  /** What the sender may have got wrong, for the response: one-line sentences that repeat nothing that a client sent but known names. */
  hints?(body: Body): readonly string[]
  /** Lower-case names of the headers that its SDKs send from browsers. */
  readonly corsHeaders?: readonly string[]
  /** More headers of the response to OPTIONS. */
  preflight?(headers: Headers): Readonly<Record<string, string>>
}

/** The name for a field that is added to fields of a client: with `_` after it if the client has a field of that name. */
export const freeName = (fields: object, name: string): string =>
  Object.hasOwn(fields, name) ? freeName(fields, `${name}_`) : name

/** The text of an element without its write key, because keys must never be stored. */
export const withoutKey = (text: string, writeKey: unknown): string =>
  typeof writeKey === 'string' ? text.replaceAll(JSON.stringify(writeKey), '""') : text
