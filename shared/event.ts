import { hash } from 'node:crypto'
import { MAX_NAME_CHARACTERS } from './limits.ts'

/** One accepted event. Its identity is (source, type, subject, id): two devices may number their events alike. */
export interface Event<Data = unknown> {
  readonly id: string
  readonly source: string
  readonly type: string
  /** The user or device; null for types without one. */
  readonly subject: string | null
  /** When the event happened: microseconds since 1970, in the years 0001 to 9999. */
  readonly time: bigint
  /**
   * The time that its sender stated, before any correction: seconds since 1970, rounded down. An event that is sent again states the
   * same time. Absent if the sender stated none.
   */
  readonly stated?: number
  /** When the server received the event: milliseconds since 1970, on the server's clock. */
  readonly received: number
  /** The id of the key that sent the event. Absent if it arrived before keys had ids. */
  readonly keyId?: string
  readonly data: Data
}

export type EventIdentity = Pick<Event, 'source' | 'type' | 'subject' | 'id'>

/** An event's identity as JSON text. */
export const identityText = ({ source, type, subject, id }: EventIdentity): string => JSON.stringify([source, type, subject, id])

/** SHA-256 of an event's identity in hexadecimal, the same in every store. */
export const identityHash = (event: EventIdentity): string => hash('sha256', identityText(event))

/** Prefix of internal event types, such as the erasure marker. Clients cannot send them. */
export const RESERVED_PREFIX = 'millrace.'
/** The type of the marker that erases its subject's states, windows and their documents. No route or command sends it yet. */
export const ERASURE_TYPE = `${RESERVED_PREFIX}erasure`

/** Whether a client may send an event of this type. */
export const isTypeName = (value: unknown): value is string =>
  isName(value, MAX_NAME_CHARACTERS) && !value.startsWith(RESERVED_PREFIX)

/** Whether the value is a well-formed string of 1 to `most` code points. */
export const isName = (value: unknown, most: number): value is string =>
  typeof value === 'string' && value !== '' && value.isWellFormed() && (value.length <= most || [...value].length <= most)
