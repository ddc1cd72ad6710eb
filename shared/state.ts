import { createHash } from 'node:crypto'
import { type Projection, projectionKey } from './projection.ts'
import { formatInstant } from './time.ts'

/** The primary key of an item of the state table. */
export interface ItemKey {
  readonly pk: string
  readonly sk: string
}

/** What one write of a user's state adds to one window of one projection. */
export interface WindowDelta {
  /** Projection key: name and revision. */
  readonly projection: string
  /** Epoch seconds at which the window starts. */
  readonly start: number
  /** The order number of the record it comes from: grows with every record of the user, never restarts. */
  readonly order: number
  /** What the projection's fold made of the record's events, beginning with `initial`. */
  readonly state: unknown
}

/** All per-user states of one user, the only item that the state function writes. */
export interface UserItem {
  readonly user: string
  /** order number of the last record in it; the version of the user's documents. */
  readonly version: number
  /** Sequence number of the last record in it: up to 56 digits, so text. */
  readonly sequenceNumber: string
  /** The identities seen lately, packed; see lambdas/state/identities.ts. */
  readonly identities: Uint8Array
  /** Hashes of whole records seen lately, packed. */
  readonly recordHashes: Uint8Array
  /** State by projection key. */
  readonly states: Readonly<Record<string, unknown>>
  /** Events later than the lateness bound. */
  readonly late: number
  /** order number of the last erasure record, 0 without one: what is older counts as absent. */
  readonly erasedOrder: number
  /** What this write adds to windows. */
  readonly outbox: readonly WindowDelta[]
  /** Epoch seconds after which an erased item may go. */
  readonly ttl?: number | undefined
}

/** One window of one user. */
export interface WindowItem {
  readonly user: string
  readonly projection: string
  readonly start: number
  /** order number of the last contribution in it; the version of its document. */
  readonly version: number
  readonly state: unknown
  readonly ttl?: number | undefined
}

/** One slot of a window over all users; a window's document merges its slots, and its version is the sum of theirs. */
export interface SlotItem {
  readonly projection: string
  readonly start: number
  readonly slot: number
  readonly version: number
  readonly state: unknown
  /** The last order number merged, by user hash. */
  readonly users: ReadonlyMap<string, number>
  readonly ttl?: number | undefined
}

const USER = 'user#'
const WINDOW = 'window#'
/** The sort key of a user item; streams filter on it. */
export const USER_ITEM = 'state'

const instant = (start: number): string => formatInstant(BigInt(start) * 1_000_000n)

export const userKey = (user: string): ItemKey => ({ pk: `${USER}${user}`, sk: USER_ITEM })

/** Windows of a user sort by projection, then by time. */
export const windowKey = (user: string, projection: string, start: number): ItemKey => ({
  pk: `${USER}${user}`,
  sk: `${windowPrefix(projection)}${instant(start)}`,
})

/** The beginning of the sort keys of one projection's windows of a user. */
export const windowPrefix = (projection: string): string => `${WINDOW}${projection}#`

export const slotKey = (projection: string, start: number, slot: number): ItemKey => ({
  pk: `${WINDOW}${projection}#${instant(start)}`,
  sk: `slot#${slot}`,
})

export type ItemKind = 'user' | 'window' | 'slot' | 'other'

/** Which kind of item a key is. */
export function itemKind({ pk, sk }: ItemKey): ItemKind {
  if (pk.startsWith(USER)) return sk === USER_ITEM ? 'user' : sk.startsWith(WINDOW) ? 'window' : 'other'
  return pk.startsWith(WINDOW) ? 'slot' : 'other'
}

/** The projections by their key. */
export const byKey = (projections: readonly Projection[]): ReadonlyMap<string, Projection> =>
  new Map(projections.map(projection => [projectionKey(projection), projection]))

/** Bytes a slot takes for a user: its hash and its last order number. */
export const SLOT_USER_BYTES = 16

/** 8 bytes of a user's hash in hex: what a slot remembers a user by. */
export const userHash = (user: string): string => createHash('sha256').update(user).digest('hex').slice(0, 16)

/** The deltas of a write as JSON text, as the item stores them: their size in it is the size of this text. */
export const outboxText = (outbox: readonly WindowDelta[]): string =>
  JSON.stringify(outbox.map(({ projection, start, order, state }) => ({ projection, start, ord: order, state })))

interface StoredDelta extends Omit<WindowDelta, 'order'> {
  readonly ord: number
}

/** The deltas of a stored outbox. Throws when the text is not JSON. */
export const parseOutbox = (text: string): WindowDelta[] =>
  (JSON.parse(text) as StoredDelta[]).map(({ projection, start, ord, state }) => ({ projection, start, order: ord, state }))
