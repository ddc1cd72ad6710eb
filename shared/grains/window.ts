import type { Document, Grain, MergeRejection, MergeTask, PartAddress, PartGrain, UserDelta } from '../grain.ts'
import { type EventOf, type EventTypes, initialState, type ProjectionBase, projectionKey } from '../projection.ts'
import { documentId } from '../search-index.ts'
import { type ItemKey, type PartItem, SLOT_USER_BYTES, USER_HASH_BYTES, userHash } from '../state.ts'
import { asStored, storedBytes } from '../stored-json.ts'
import { checkedDocument } from './document.ts'
import { expiry, passOver, tryMerge } from './merge.ts'
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
  document(state: State, at: { readonly start: number }): Document
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

/** Users that a slot remembers; a large state lowers it. Up to this number, `firstOfUser` is exact. */
export const MAX_SLOT_USERS = 20_000
/** DynamoDB allows 400 KB for an item. This limits state and slot users together; the key and the rest need little. */
const MAX_ITEM_BYTES = 380_000

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
    const item = stored ?? emptySlot(projection, task)
    const users = new Map(item.users)
    const uncounted = new Set(item.uncounted)
    const isExact = item.forgottenUsers === undefined
    const isUnseen = ({ user, order }: UserDelta) => order > (users.get(userHash(user)) ?? 0)
    const rejections: MergeRejection[] = []
    let { state } = item
    let added = 0
    for (const delta of task.deltas) {
      if (!isUnseen(delta)) continue
      const hash = userHash(delta.user)
      const merged = tryMerge(
        () => projection.merge(state, delta.state, { firstOfUser: isExact && (!users.has(hash) || uncounted.has(hash)) }),
        shown => projection.document(shown, { start }),
      )
      if ('reason' in merged) {
        rejections.push({ ...delta, ...merged })
        if (!users.has(hash)) uncounted.add(hash)
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
    return { item: withinSize(changed), rejections, nearlyFull: users.size >= NEARLY_FULL * roomForUsers(changed) }
  },

  mergedOrders: ({ users }) => users,
}

const emptySlot = (projection: AnyWindowProjection, { address }: MergeTask): SlotItem => ({
  kind: 'slot',
  projection: address.projection,
  start: address.start,
  slot: address.slot ?? 0,
  version: 0,
  state: initialState(projection),
  users: new Map(),
})

/** The share of its users above which a slot is reported, before it has to forget any. */
const NEARLY_FULL = 0.8

const unlessEmpty = <T>(set: ReadonlySet<T>): ReadonlySet<T> | undefined => (set.size > 0 ? set : undefined)

const roomForUsers = ({ state, uncounted }: SlotItem): number =>
  Math.min(
    MAX_SLOT_USERS,
    Math.floor((MAX_ITEM_BYTES - storedBytes(state) - (uncounted?.size ?? 0) * USER_HASH_BYTES) / SLOT_USER_BYTES),
  )

/**
 * A slot with too many users forgets those with the oldest deltas, and stores how many. From then on no user is the first, and
 * the slot may merge a late re-delivery of the forgotten deltas a second time, but it never stops the stream.
 */
export function withinSize(item: SlotItem): SlotItem {
  const most = roomForUsers(item)
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
    return slots[0] && { id: documentId(null, slots[0].start), version }
  },

  document(projection, items) {
    const [first, ...others] = items.filter(isSlot)
    if (!first) throw new TypeError('The document of a window is made of the items of its slots.')
    const state = others.reduce((merged, slot) => projection.merge(merged, slot.state, { firstOfUser: true }), first.state)
    return checkedDocument(projection.document(state, { start: first.start }))
  },
} satisfies Grain<AnyWindowProjection>

const isSlot = (item: object): item is SlotItem => 'kind' in item && item.kind === 'slot'

/** Defines a projection with one state per window, over all users. Without `where` it folds every event of its types. */
export const perWindow = <const Types extends EventTypes, State>(
  definition: Omit<WindowProjection<Types, State>, 'grain' | 'fold' | 'at' | 'where'> & {
    at(event: EventOf<NoInfer<Types>>): number
    where?(event: EventOf<NoInfer<Types>>): boolean
    fold(delta: State, event: EventOf<NoInfer<Types>>): State
  },
): WindowProjection<Types, State> => ({ grain: windowGrain, where: () => true, ...definition })
