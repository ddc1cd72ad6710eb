import { createHash } from 'node:crypto'
import { type Projection, projectionKey } from './projection.ts'
import { windowInstant } from './time.ts'

/** The primary key of an item of the state table. */
export interface ItemKey {
  readonly pk: string
  readonly sk: string
}

/** What one write of a user's item adds to one window of one projection. */
export interface WindowDelta {
  /** Projection key: name and revision. */
  readonly projection: string
  /** Start of the window in epoch seconds. */
  readonly start: number
  /** Order number of the stream record that it comes from. */
  readonly order: number
  /** The record's events, folded by the projection from `initial`. */
  readonly state: unknown
}

/** All per-user states of one user. The state function writes no other items. */
export interface UserItem {
  readonly user: string
  /** Order number of the last folded record; the version of the user's documents. */
  readonly version: number
  /** Sequence number of the last folded record; text, because it has up to 56 digits. */
  readonly sequenceNumber: string
  /** The identities of recent events, packed as in lambdas/state/identities.ts. */
  readonly identities: Uint8Array
  /** Hashes of recent whole records, packed in the same way. */
  readonly recordHashes: Uint8Array
  /** The states by projection key. */
  readonly states: Readonly<Record<string, unknown>>
  /** Number of events that arrived after the lateness bound. */
  readonly late: number
  /** Order number of the last erasure record, or 0. Anything with a smaller order number counts as deleted. */
  readonly erasedOrder: number
  /** The deltas of the last write. */
  readonly outbox: readonly WindowDelta[]
  /** Epoch seconds after which DynamoDB may delete an erased item. */
  readonly ttl?: number | undefined
}

/** One window of one user. */
export interface WindowItem {
  readonly user: string
  readonly projection: string
  readonly start: number
  /** Order number of the last merged delta; the version of the window's document. */
  readonly version: number
  readonly state: unknown
  readonly ttl?: number | undefined
}

/** One slot of a window over all users. The window's document merges its slots, and its version is the sum of their versions. */
export interface SlotItem {
  readonly projection: string
  readonly start: number
  readonly slot: number
  readonly version: number
  readonly state: unknown
  /** The order number of the last merged delta of each user, by user hash. */
  readonly users: ReadonlyMap<string, number>
  readonly ttl?: number | undefined
}

const USER = 'user#'
const WINDOW = 'window#'
/** The sort key of a user item. Filters of the table's stream use it. */
export const USER_ITEM = 'state'

export const userKey = (user: string): ItemKey => ({ pk: `${USER}${user}`, sk: USER_ITEM })

/** The windows of a user are sorted by projection, then by time. */
export const windowKey = (user: string, projection: string, start: number): ItemKey => ({
  pk: `${USER}${user}`,
  sk: `${windowPrefix(projection)}${windowInstant(start)}`,
})

/** Prefix of the sort keys of a user's windows of one projection. */
export const windowPrefix = (projection: string): string => `${WINDOW}${projection}#`

export const slotKey = (projection: string, start: number, slot: number): ItemKey => ({
  pk: `${WINDOW}${projection}#${windowInstant(start)}`,
  sk: `slot#${slot}`,
})

export type ItemKind = 'user' | 'window' | 'slot' | 'other'

/** The kind of item that has this key. */
export function itemKind({ pk, sk }: ItemKey): ItemKind {
  if (pk.startsWith(USER)) return sk === USER_ITEM ? 'user' : sk.startsWith(WINDOW) ? 'window' : 'other'
  return pk.startsWith(WINDOW) ? 'slot' : 'other'
}

/** The projections by their key. */
export const byKey = (projections: readonly Projection[]): ReadonlyMap<string, Projection> =>
  new Map(projections.map(projection => [projectionKey(projection), projection]))

/** Bytes that a slot stores per user: 8 of the user's hash and 8 of the last order number. */
export const SLOT_USER_BYTES = 16

/** The first 8 bytes of a user's SHA-256 in hexadecimal. Slots store it instead of the user. */
export const userHash = (user: string): string => createHash('sha256').update(user).digest('hex').slice(0, 16)

/** The deltas of a write as the JSON text that the item stores. The size of the text is their size in the item. */
export const outboxText = (outbox: readonly WindowDelta[]): string =>
  JSON.stringify(outbox.map(({ projection, start, order, state }) => ({ projection, start, ord: order, state })))

interface StoredDelta extends Omit<WindowDelta, 'order'> {
  readonly ord: number
}

/** The deltas of a stored outbox. Throws when the text is not JSON. */
export const parseOutbox = (text: string): WindowDelta[] =>
  (JSON.parse(text) as StoredDelta[]).map(({ projection, start, ord, state }) => ({ projection, start, order: ord, state }))
