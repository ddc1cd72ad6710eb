import { hash } from 'node:crypto'
import { parseExact } from './exact-json.ts'
import { deepFreeze, mostStoredBytes } from './stored-json.ts'

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

/** All per-user states of one user. Of the items with states, the state function writes only these. */
export interface UserItem {
  readonly user: string
  /** Order number of the last folded record; the version of the user's documents. */
  readonly version: number
  /** Sequence number of the last folded record; text, because it has up to 56 digits. */
  readonly sequenceNumber: string
  /** The identities of the newest events, packed as in shared/identities.ts. */
  readonly identities: Uint8Array
  /** References to the pages with older identities, packed as in shared/identity-pages.ts. */
  readonly pages: Uint8Array
  /** The states by projection key. */
  readonly states: Readonly<Record<string, unknown>>
  /** Number of events that arrived after the lateness bound. */
  readonly late: number
  /** Order number of the last erasure record, or 0. Anything with a smaller order number counts as deleted. */
  readonly erasedOrder: number
  /** The deltas of the last write. */
  readonly outbox: readonly WindowDelta[]
  /** The events that the last write passed over. They are in the quarantine before the next write replaces this list. */
  readonly passedOver: readonly EventPosition[]
  /** Epoch seconds after which DynamoDB may delete the item: its user is erased, or all events of the user were rejected. */
  readonly ttl?: number | undefined
}

/** The position of an event in the event stream. */
export interface EventPosition {
  /** Sequence number of its record. */
  readonly sequenceNumber: string
  /** 0-based position of the event in its record. */
  readonly position: number
}

/** For each projection, by key: the sequence number of the first record of a shard that was folded with it. */
export type FirstFolded = Readonly<Record<string, string>>

/** What is known of earlier attempts to fold a user's records. */
export interface FoldAttempts {
  /** The process of the last attempt. */
  readonly process: string
  /** Attempts that began and did not end, since the last one that did. */
  readonly unfinished: number
  /** When the first of them began, in milliseconds since 1970. */
  readonly since: number
  /** The event that was being tried when an attempt ended without a result. */
  readonly trying: EventPosition | undefined
  /** Events that the function did not survive. */
  readonly fatal: readonly EventPosition[]
}

/** The deltas that an item rejected and does not contain. */
export interface PassedOver {
  /** The user hash and the order number of each delta, oldest first. */
  readonly orders: readonly (readonly [userHash: string, order: number])[]
  /** There were more deltas than an item notes, so that only a rebuild from the archive can complete the item. */
  readonly needsRebuild: boolean
}

/** State of one projection in an item of its own. What its key contains, and what one document is made of, is up to its grain. */
export interface PartItem {
  readonly kind: string
  /** The key of the projection: name and revision. */
  readonly projection: string
  /** Start of the window in epoch seconds. */
  readonly start: number
  /** The user, if the item belongs to one. */
  readonly user?: string
  readonly slot?: number
  readonly version: number
  /** The order number of the last delta that a user's item merged or passed over. Absent: its version. */
  readonly lastOrder?: number | undefined
  /** Undefined: the item rejected every delta because `initial` threw. It has no document. */
  readonly state: unknown
  /** Where users share an item: the order number of the last merged delta of each user, by user hash. */
  readonly users?: ReadonlyMap<string, number>
  /** Hashes of the users in `users` of whom the item has rejected every delta: the state does not count them yet. */
  readonly uncounted?: ReadonlySet<string> | undefined
  /** How many users the item had to forget, at least. If any, a count of its unique users is a minimum. Absent: none. */
  readonly forgottenUsers?: number | undefined
  /** Where its other users are. Absent: it has none. */
  readonly pages?: UserPages | undefined
  /** The deltas that the item rejected. Absent: none. */
  readonly passedOver?: PassedOver | undefined
  /** Epoch seconds after which DynamoDB may delete the item. */
  readonly ttl?: number | undefined
}

/** The pages of a slot: the version of its item at which they were made, and their number. */
export interface UserPages {
  readonly version: number
  readonly count: number
}

/** Users that moved out of the item of a slot. Never changed. */
export interface UserPage {
  /** The key of the slot's item. */
  readonly slot: ItemKey
  /** The version of the slot's item that had these users. */
  readonly version: number
  /** 0-based number of the page. */
  readonly index: number
  /** The order number of the last merged delta of each user, by user hash. */
  readonly users: ReadonlyMap<string, number>
  /** Epoch seconds after which DynamoDB may delete the page. */
  readonly ttl?: number | undefined
}

/** A delta of a retired projection, with its user. It is stored for a roll-back. */
export interface RetiredDelta extends WindowDelta {
  readonly user: string
  /** The user's last erasure at the time of the delta. */
  readonly erasedOrder: number
}

const ORDER_DIGITS = 16

/** All deltas of a projection are in one partition, those of a window and user in the order of their numbers. */
export const retiredKey = ({ projection, start, user, order }: Omit<RetiredDelta, 'erasedOrder' | 'state'>): ItemKey => ({
  pk: `retired#${projection}`,
  sk: `${start}#${user}#${String(order).padStart(ORDER_DIGITS, '0')}`,
})

const USER = 'user#'
/** The sort key of a user item. Filters of the table's stream use it. */
export const USER_ITEM = 'state'

export const userKey = (user: string): ItemKey => ({ pk: `${USER}${user}`, sk: USER_ITEM })

/** The user of any item of a user; undefined for other keys. */
export const userOfKey = ({ pk }: ItemKey): string | undefined => (pk.startsWith(USER) ? pk.slice(USER.length) : undefined)

/** The item with an event that a write passes over, until it is in the quarantine. */
export const passedOverKey = (user: string, { sequenceNumber, position }: EventPosition): ItemKey => ({
  pk: `passed-over#${user}`,
  sk: `${sequenceNumber}#${position}`,
})

export const userPageKey = ({ slot, version, index }: Pick<UserPage, 'slot' | 'version' | 'index'>): ItemKey => ({
  pk: `slot-users#${slot.pk}#${slot.sk}`,
  sk: `${version}#${index}`,
})

export const isUserItemKey = (key: ItemKey): boolean => userOfKey(key) !== undefined && key.sk === USER_ITEM

/** The projection whose windows, users of slots or retired deltas have this key; undefined for other keys. */
export const projectionOfKey = ({ pk, sk }: ItemKey): string | undefined =>
  (/^(?:retired|window|slot-users#window)#([^#]+)/.exec(pk) ?? (pk.startsWith(USER) ? /^window#([^#]+)/.exec(sk) : null))?.[1]

/** Bytes that a slot stores per user: 8 of the user's hash and 8 of the last order number. */
export const SLOT_USER_BYTES = 16
/** Bytes of a stored user hash. */
export const USER_HASH_BYTES = 8

/** The first 8 bytes of a user's SHA-256 in hexadecimal. Slots store it instead of the user. */
export const userHash = (user: string): string => hash('sha256', user).slice(0, 2 * USER_HASH_BYTES)

/** The deltas of a write as the JSON text that the item stores. The size of the text is their size in the item. */
export const outboxText = (outbox: readonly WindowDelta[]): string =>
  JSON.stringify(outbox.map(({ projection, start, order, state }) => ({ projection, start, ord: order, state })))

/** Bytes of a delta in that text, with a comma. */
export const deltaBytes = (delta: WindowDelta): number => Buffer.byteLength(outboxText([delta])) - '[]'.length + ','.length

/** A quick upper bound of `deltaBytes`. */
export const mostDeltaBytes = ({ projection, start, order, state }: WindowDelta): number =>
  mostStoredBytes({ projection, start, ord: order, state })

interface StoredDelta extends Omit<WindowDelta, 'order'> {
  readonly ord: number
}

/** The deltas of a stored outbox. Throws when the text is not JSON. */
export const parseOutbox = (text: string): WindowDelta[] =>
  deepFreeze(parseExact(text) as StoredDelta[]).map(({ projection, start, ord, state }) => ({
    projection,
    start,
    order: ord,
    state,
  }))

/** Positions as JSON text, grouped by record. */
export const positionsText = (positions: readonly EventPosition[]): string =>
  JSON.stringify(
    [...Map.groupBy(positions, ({ sequenceNumber }) => sequenceNumber)].map(([seq, some]) => [
      seq,
      some.map(({ position }) => position),
    ]),
  )

/** The inverse of `positionsText`. Throws when the text is not JSON. */
export const parsePositions = (text: string): EventPosition[] =>
  (JSON.parse(text) as [string, number[]][]).flatMap(([sequenceNumber, positions]) =>
    positions.map(position => ({ sequenceNumber, position })),
  )
