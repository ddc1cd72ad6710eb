import type { Document, Grain, MergeRejection, MergeTask, PartAddress, PartGrain, UserDelta } from '../grain.ts'
import { MAX_DOCUMENT_BYTES, MAX_WINDOW_STATE_BYTES } from '../limits.ts'
import { type EventOf, type EventTypes, initialState, type ProjectionBase, projectionKey } from '../projection.ts'
import { documentId } from '../search-index.ts'
import { type ItemKey, type PartItem, SLOT_USER_BYTES, USER_HASH_BYTES, type UserPage, userHash } from '../state.ts'
import { asStored, storedBytes } from '../stored-json.ts'
import { checkedDocument } from './document.ts'
import { expiry, orInitial, passOver, strikeOut, tryInitial, tryMerge } from './merge.ts'
import { parseWindowText, type Windowed, windowOf, windowText } from './window-time.ts'

/** One document per window over all users. Its state is divided into slots, so that many users can be written at once. */
export interface WindowProjection<Types extends EventTypes, State> extends ProjectionBase<Types, State>, Windowed<Types> {
  /** Number of slots of a window. A change needs a new revision. */
  readonly slots: number
  /**
   * Merges a delta into a slot; `firstOfUser` is whether the state contains no delta of its user yet. It is always false once
   * the slot had to forget users, so that a count of unique users is then a minimum and never too high. It also merges the slots of a
   * window into the document's state, with `firstOfUser` true, because each user is in only one slot.
   */
  merge(stored: State, delta: State, about: { readonly firstOfUser: boolean }): State
  /** `usersAreMinimum`: a slot had to forget users, so that a count of unique users is a minimum. */
  document(state: State, about: { readonly start: number; readonly usersAreMinimum: boolean }): Document
}

/** One slot of a window over all users. The window's document merges its slots, and its version is the sum of their versions. */
export interface SlotItem extends PartItem {
  readonly kind: 'slot'
  readonly slot: number
  /** The order number of the last merged delta of each user, by user hash. */
  readonly users: ReadonlyMap<string, number>
}

// biome-ignore lint/suspicious/noExplicitAny: the grain serves projections of every type and state
type AnyWindowProjection = WindowProjection<any, any>

/** Users that the item of a slot remembers, and each of its pages; a large state lowers it for the item. Beyond it, they move to pages. */
export const MAX_SLOT_USERS = 20_000
/** Pages of a slot. A slot remembers 200,000 users, and up to this number `firstOfUser` is exact. Each write of a slot reads its pages. */
export const MAX_USER_PAGES = 10
/** Users of whom a slot rejected every delta stay in its item when users move to pages, up to this number. */
const MAX_UNCOUNTED = 5_000
/** DynamoDB allows 400 KB for an item. This limits state and slot users together; the key and the rest need little. */
const MAX_ITEM_BYTES = 380_000

/**
 * Most bytes of a slot's state. The document of a window is made of all slots, and may show what they contain twice, such as the most and
 * the least frequent texts: it must not be too large to be written because its slots are full.
 */
const slotBytes = ({ slots }: Pick<AnyWindowProjection, 'slots'>): number =>
  Math.min(MAX_WINDOW_STATE_BYTES, Math.floor(MAX_DOCUMENT_BYTES / (2 * slots)))

const slotOf = (user: string, slots: number): number => Number.parseInt(userHash(user).slice(0, 8), 16) % slots

const SLOT_KEY = 'slot#'
const slotsKey = ({ projection, start }: PartAddress): ItemKey => ({ pk: windowText(projection, start), sk: SLOT_KEY })

const parts: PartGrain<AnyWindowProjection, SlotItem> = {
  kind: 'slot',
  ofOneUser: false,

  readKey({ pk, sk }) {
    const window = parseWindowText(pk)
    return window && { kind: 'slot', ...window, slot: Number(sk.slice(SLOT_KEY.length)) }
  },

  itemKey(address) {
    const { pk, sk } = slotsKey(address)
    return { pk, sk: `${sk}${address.slot}` }
  },

  addressOf: (projection, user, start) => ({
    kind: 'slot',
    projection: projectionKey(projection),
    start,
    slot: slotOf(user, projection.slots),
  }),

  siblings: slotsKey,

  keysOfUser: () => undefined,

  mergeDeltas: (projection, before, after) => projection.merge(before, after, { firstOfUser: false }),

  merge(projection, stored, task) {
    const { start } = task.address
    const { pages = [] } = task
    const item = withoutPages(stored ?? emptySlot(task), pages)
    const users = new Map(item.users)
    const uncounted = new Set(item.uncounted)
    const isExact = item.forgottenUsers === undefined
    const lastOrder = (hash: string) => users.get(hash) ?? Math.max(0, ...pages.map(page => page.users.get(hash) ?? 0))
    const isUnseen = ({ user, order }: UserDelta) => order > lastOrder(userHash(user))
    const rejections: MergeRejection[] = []
    let state = item.state === undefined ? tryInitial(projection) : item.state
    let added = 0
    for (const delta of task.deltas) {
      if (!isUnseen(delta)) continue
      const hash = userHash(delta.user)
      const isNew = lastOrder(hash) === 0
      const merged = tryMerge(
        () =>
          projection.merge(orInitial(projection, state), delta.state, { firstOfUser: isExact && (isNew || uncounted.has(hash)) }),
        shown => projection.document(shown, { start, usersAreMinimum: !isExact }),
        slotBytes(projection),
      )
      if ('reason' in merged) {
        rejections.push({ ...delta, ...merged })
        if (isNew) uncounted.add(hash)
      } else {
        state = merged.state
        uncounted.delete(hash)
      }
      users.set(hash, delta.order)
      added += 1
    }
    if (added === 0) return undefined
    const ttl = expiry(start + projection.window, task, item.ttl)
    const passedOver = passOver(item.passedOver, rejections)
    const changed = { ...item, version: item.version + 1, state, users, uncounted: unlessEmpty(uncounted), passedOver, ttl }
    const { item: remaining, newPages } = movedUsers(item, changed, task)
    const kept = withinSize(remaining, slotUsersOf(task))
    return { item: kept, newPages, rejections, nearlyFull: isNearlyFull({ ...kept, users }, task) }
  },

  mergeNoted(projection, stored, delta, task) {
    const item = withoutPages(stored, task.pages ?? [])
    const isExact = item.forgottenUsers === undefined
    const uncounted = new Set(item.uncounted)
    const firstOfUser = isExact && uncounted.delete(userHash(delta.user))
    const merged = tryMerge(
      () => projection.merge(orInitial(projection, item.state), delta.state, { firstOfUser }),
      shown => projection.document(shown, { start: item.start, usersAreMinimum: !isExact }),
      slotBytes(projection),
    )
    if ('reason' in merged) return merged
    const passedOver = strikeOut(item.passedOver, delta)
    const changed = { ...item, version: item.version + 1, ...merged, uncounted: unlessEmpty(uncounted), passedOver }
    const { item: remaining, newPages } = movedUsers(item, changed, task)
    return { item: withinSize(remaining, slotUsersOf(task)), newPages }
  },

  mergedOrders: ({ users }) => users,
}

const emptySlot = ({ address }: MergeTask): SlotItem => ({
  kind: 'slot',
  projection: address.projection,
  start: address.start,
  slot: address.slot ?? 0,
  version: 0,
  state: undefined,
  users: new Map(),
})

/** An item has forgotten the users of a page that does not exist any more. Their number is not known. */
const withoutPages = (item: SlotItem, found: readonly UserPage[]): SlotItem =>
  found.length === (item.pages?.count ?? 0) ? item : { ...item, forgottenUsers: item.forgottenUsers ?? 1 }

/** The share of its users above which a slot is reported, before it has to forget any. */
const NEARLY_FULL = 0.8

const unlessEmpty = <T>(set: ReadonlySet<T>): ReadonlySet<T> | undefined => (set.size > 0 ? set : undefined)

const slotUsersOf = ({ slotUsers = MAX_SLOT_USERS }: Pick<MergeTask, 'slotUsers'>): number => slotUsers

function isNearlyFull({ users, forgottenUsers }: SlotItem, task: MergeTask): boolean {
  const { pages = [] } = task
  const paged = pages.reduce((sum, page) => sum + page.users.size, 0)
  const limit = NEARLY_FULL * MAX_USER_PAGES * slotUsersOf(task)
  if (forgottenUsers !== undefined) return true
  if (paged + users.size < limit) return false
  const others = [...users.keys()].filter(hash => pages.every(page => !page.users.has(hash)))
  return paged + others.length >= limit
}

const roomForUsers = ({ state, uncounted }: SlotItem, slotUsers: number): number =>
  Math.min(
    slotUsers,
    Math.floor((MAX_ITEM_BYTES - storedBytes(state ?? null) - (uncounted?.size ?? 0) * USER_HASH_BYTES) / SLOT_USER_BYTES),
  )

/**
 * Moves the users of a full slot to new pages, except those that this write changes. The pages contain the users of the stored
 * item and of its pages, and are named by the item's version: every attempt on this version makes the same pages, and pages
 * without their slot's put are never read.
 */
function movedUsers(
  stored: SlotItem,
  changed: SlotItem,
  task: Pick<MergeTask, 'pages' | 'slotUsers'>,
): { item: SlotItem; newPages?: UserPage[] } {
  const size = slotUsersOf(task)
  if (changed.users.size <= roomForUsers(changed, size) || (changed.uncounted?.size ?? 0) > MAX_UNCOUNTED)
    return { item: changed }
  const known = new Map([...(task.pages ?? []).flatMap(({ users }) => [...users]), ...stored.users])
  const count = Math.ceil(known.size / size)
  if (stored.forgottenUsers !== undefined || count === 0 || count > MAX_USER_PAGES) return { item: changed }
  const sorted = [...known].sort(([a], [b]) => (a < b ? -1 : 1))
  const slot = parts.itemKey(stored)
  const { version } = stored
  const newPages = Array.from({ length: count }, (_, index) => {
    const users = new Map(sorted.slice(index * size, (index + 1) * size))
    return { slot, version, index, users, ttl: changed.ttl }
  })
  const users = new Map([...changed.users].filter(([hash, order]) => stored.users.get(hash) !== order))
  return { item: { ...changed, users, pages: { version, count } }, newPages }
}

/**
 * A slot with too many users forgets those with the oldest deltas, and stores how many. From then on no user is the first, and
 * the slot may merge a late re-delivery of the forgotten deltas a second time, but it never stops the stream.
 */
export function withinSize(item: SlotItem, slotUsers = MAX_SLOT_USERS): SlotItem {
  const most = roomForUsers(item, slotUsers)
  if (item.users.size <= most) return item
  const newest = [...item.users].sort(([, a], [, b]) => b - a).slice(0, most)
  const users = new Map(newest)
  const uncounted = new Set([...(item.uncounted ?? [])].filter(hash => users.has(hash)))
  return {
    ...item,
    users,
    uncounted: unlessEmpty(uncounted),
    forgottenUsers: (item.forgottenUsers ?? 0) + item.users.size - most,
  }
}

export const windowGrain = {
  name: 'window',
  keyField: () => undefined,
  hasWindow: true,
  parts,

  target: windowOf,

  rehearse: (projection, delta) => {
    asStored(projection.merge(initialState(projection), delta, { firstOfUser: true }))
  },

  documentRef(_projection, items) {
    const slots = items.filter(isSlot)
    const version = slots.reduce((sum, slot) => sum + slot.version, 0)
    const [shown] = slots.filter(hasState)
    return shown && { id: documentId(null, shown.start), version }
  },

  document(projection, items) {
    const slots = items.filter(isSlot)
    const [first, ...others] = slots.filter(hasState)
    if (!first) throw new TypeError('The document of a window is made of the items of its slots.')
    const state = others.reduce((merged, slot) => projection.merge(merged, slot.state, { firstOfUser: true }), first.state)
    const usersAreMinimum = slots.some(({ forgottenUsers }) => forgottenUsers !== undefined)
    return checkedDocument(projection.document(state, { start: first.start, usersAreMinimum }))
  },
} satisfies Grain<AnyWindowProjection>

const hasState = ({ state }: SlotItem): boolean => state !== undefined

const isSlot = (item: object): item is SlotItem => 'kind' in item && item.kind === 'slot'

/** Defines a projection with one state per window, over all users. Without `where` it folds every event of its types. */
export const perWindow = <const Types extends EventTypes, State>(
  definition: Omit<WindowProjection<Types, State>, 'grain' | 'fold' | 'at' | 'where'> & {
    at(event: EventOf<NoInfer<Types>>): number
    where?(event: EventOf<NoInfer<Types>>): boolean
    fold(delta: State, event: EventOf<NoInfer<Types>>): State
  },
): WindowProjection<Types, State> => ({ grain: windowGrain, where: () => true, ...definition })
