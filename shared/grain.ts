import type { Event } from './event.ts'
import type { ItemKey, PartItem, UserItem, UserPage, WindowDelta } from './state.ts'

/** A document: what a projection shows of a state in OpenSearch and in the API. A JSON object with the projection's shape. */
export type Document = Readonly<Record<string, unknown>>

/** Id and version of a document in OpenSearch. */
interface DocumentRef {
  readonly id: string
  readonly version: number
}

/** A window of a projection, half-open: epoch seconds of its start and its end. */
export interface Window {
  readonly start: number
  readonly end: number
}

/** What an event is folded into: the state in its user's item, or a delta for a window. */
type FoldTarget = 'user state' | Window

/**
 * Where the state of a projection is kept and what its documents are: one object for all users of a grain. Everything that
 * depends on the grain is here, so that a new grain is a new file in shared/grains/ and a line in its list.
 */
// biome-ignore lint/suspicious/noExplicitAny: the catalogue lists projections with different definitions
export interface Grain<P = any> {
  readonly name: string
  /** The field of the documents that holds the user or device; undefined if they have none. The query parameter `key` filters by it. */
  keyField(projection: P): string | undefined
  /** The documents have a window: the query parameters `from` and `to` apply, and they are sorted by it. */
  readonly hasWindow: boolean
  /** Undefined: the projection does not fold this event. Throws if the event is in no window that keys can contain. */
  target(projection: P, event: Event): FoldTarget | undefined
  /** Calls what other functions call later with a folded state, so that it throws here and does not stop their streams. */
  rehearse(projection: P, state: unknown, user: string): void
  /** The document that these items are the state of; undefined if they have none. */
  documentRef(projection: P, items: readonly (UserItem | PartItem)[]): DocumentRef | undefined
  /** The content of that document. Throws what the projection throws. */
  document(projection: P, items: readonly (UserItem | PartItem)[]): Document
  /** The items that hold the states; undefined if the user's item does. */
  readonly parts: PartGrain<P> | undefined
}

/** How the items of a grain are written: one for each window, or several that together are a window's state. */
// biome-ignore lint/suspicious/noExplicitAny: a list of grains has different definitions and items
export interface PartGrain<P = any, Item extends PartItem = any> {
  readonly kind: string
  /** Each item belongs to one user: its version is the user's order number, and an erasure of the user deletes it. */
  readonly ofOneUser: boolean
  /** What the key of an item contains; undefined if it is not a key of this grain. */
  readKey(key: ItemKey): PartAddress | undefined
  itemKey(item: PartAddress): ItemKey
  /** The item that a delta of this user is merged into. */
  addressOf(projection: P, user: string, start: number): PartAddress
  /** Prefix of the keys of all items that share this item's document; undefined if it has the document alone. */
  siblings(item: PartAddress): ItemKey | undefined
  /** Prefix of the keys of a user's items of one projection, newest last; undefined if items belong to no user. */
  keysOfUser(user: string, projection: string): ItemKey | undefined
  /** Merges two deltas of one user for the same window into one. */
  mergeDeltas(projection: P, before: unknown, after: unknown): unknown
  /** Merges the deltas that the item does not contain yet. Undefined: it contains all. */
  merge(projection: P, stored: Item | undefined, task: MergeTask): MergeResult<Item> | undefined
  /**
   * Merges a delta that the item notes as passed over, and strikes it out. Its version grows, so that its document is written;
   * the order numbers that it contains do not change.
   */
  mergeNoted(projection: P, stored: Item, delta: UserDelta, task: Pick<MergeTask, 'pages' | 'slotUsers'>): NotedMerge<Item>
  /** The order number of the last delta of each user in the item, by user hash. */
  mergedOrders(item: Item): Iterable<readonly [userHash: string, order: number]>
}

/** What an item of a part grain is about. */
export interface PartAddress {
  readonly kind: string
  /** The key of the projection: name and revision. */
  readonly projection: string
  /** Start of the window in epoch seconds. */
  readonly start: number
  /** The user, if the item belongs to one. */
  readonly user?: string
  readonly slot?: number
}

/** A delta and its user. */
export interface UserDelta extends WindowDelta {
  readonly user: string
  /** The user's last erasure: it covers the user's own items up to this order number. */
  readonly erasedOrder: number
}

export interface WindowLifetime {
  /** How long after its window's end an event still counts. Undefined: no limit, and windows never expire. */
  readonly latenessMs: number | undefined
  /** How long after its arrival an event can be delivered, through the event stream and then through the table's stream. */
  readonly retentionMs: number
}

/** All deltas of a batch for one item. */
export interface MergeTask {
  readonly address: PartAddress
  readonly deltas: readonly UserDelta[]
  readonly lifetime: WindowLifetime
  /** The pages of the stored item that exist. */
  readonly pages?: readonly UserPage[] | undefined
  /** Users that the item of a slot and each page may remember. Default: MAX_SLOT_USERS. */
  readonly slotUsers?: number | undefined
}

/** A changed item. It also notes the order numbers of the deltas it rejected, so that they are not retried. */
interface MergeResult<Item> {
  readonly item: Item
  readonly rejections: readonly MergeRejection[]
  /** The pages that the item then has: they must be written before the item, and its old pages deleted after it. */
  readonly newPages?: readonly UserPage[] | undefined
  /** The item is near the number of users that it can remember, or beyond it. */
  readonly nearlyFull: boolean
}

/** The item with a delta that it had passed over, or why the delta is rejected again. */
type NotedMerge<Item> = Pick<MergeResult<Item>, 'item' | 'newPages'> | { readonly reason: string }

export interface MergeRejection extends UserDelta {
  readonly reason: string
}
