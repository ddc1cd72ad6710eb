import type { Document, MergeRejection, MergeTask, UserDelta } from '../grain.ts'
import { formatBytes, MAX_WINDOW_STATE_BYTES } from '../limits.ts'
import { arrivalOfOrder } from '../order.ts'
import { initialState, type Projection } from '../projection.ts'
import { describeError, SafeError } from '../safe-error.ts'
import { type PassedOver, userHash } from '../state.ts'
import { asStored, storedBytes } from '../stored-json.ts'
import { checkedDocument } from './document.ts'

const FUNCTION = 'The `initial`, `merge` or `document` function of the projection'

/** The result of `merge`, which may have this many bytes, or why it is rejected. Calls `document` too: if it threw later, it would stop the index function. */
export function tryMerge<State>(
  merge: () => State,
  document: (state: State) => Document,
  most = MAX_WINDOW_STATE_BYTES,
): { readonly state: State } | { readonly reason: string } {
  try {
    const state = asStored(merge())
    checkedDocument(document(state))
    if (storedBytes(state) <= most) return { state }
    return { reason: `The state of the window would be larger than ${formatBytes(most)}.` }
  } catch (error) {
    const reason = describeError(error)
    return { reason: error instanceof SafeError ? `${FUNCTION} failed: ${reason}` : `${FUNCTION} threw: ${reason}.` }
  }
}

/** The state before the first delta; undefined if `initial` throws: then `orInitial` throws again, where a delta is rejected for it. */
export function tryInitial(projection: Pick<Projection, 'initial'>): unknown {
  try {
    return initialState(projection)
  } catch {
    return undefined
  }
}

export const orInitial = (projection: Pick<Projection, 'initial'>, state: unknown): unknown =>
  state === undefined ? initialState(projection) : state

/** Rejected deltas that an item notes, by user hash and order number. Each needs about 40 bytes. */
export const MAX_PASSED_OVER = 100

/** What the item has passed over after these rejections. Undefined: nothing. */
export function passOver(before: PassedOver | undefined, rejections: readonly MergeRejection[]): PassedOver | undefined {
  if (rejections.length === 0) return before
  const orders = [...(before?.orders ?? []), ...rejections.map(({ user, order }) => [userHash(user), order] as const)]
  const needsRebuild = before?.needsRebuild === true || orders.length > MAX_PASSED_OVER
  return { orders: orders.slice(0, MAX_PASSED_OVER), needsRebuild }
}

type NotedDelta = Pick<UserDelta, 'user' | 'order'>

/** Whether the item notes that it passed this delta over. */
export const isNoted = (passedOver: PassedOver | undefined, delta: NotedDelta): boolean =>
  passedOver?.orders.some(isOf(delta)) ?? false

const isOf =
  ({ user, order }: NotedDelta) =>
  ([hash, noted]: PassedOver['orders'][number]): boolean =>
    noted === order && hash === userHash(user)

/** What the item has passed over when it contains this delta. Undefined: nothing. */
export function strikeOut(before: PassedOver | undefined, delta: NotedDelta): PassedOver | undefined {
  const orders = before?.orders.filter(noted => !isOf(delta)(noted)) ?? []
  const needsRebuild = before?.needsRebuild === true
  return orders.length > 0 || needsRebuild ? { orders, needsRebuild } : undefined
}

const DAY_MS = 86_400_000

/**
 * A window that ends this much later than its newest delta arrived gets no expiry yet. Less than a day, for which a longer lateness
 * leaves the shorter one in force (lambdas/state/lateness.ts): so no window that ends after that has an expiry of before.
 */
const MAX_EXPIRING_AHEAD_MS = DAY_MS / 2

/** When the item may expire, in epoch seconds: no record that changes it can arrive after that. Undefined: never. */
export function expiry(end: number, { deltas, lifetime }: MergeTask, before: number | undefined): number | undefined {
  const arrivedMs = Math.max(...deltas.map(({ order }) => arrivalOfOrder(order)))
  const ttl = expiryAfter(Math.max(arrivedMs, end * 1000), lifetime)
  if (ttl === undefined) return undefined
  return end * 1000 - arrivedMs > MAX_EXPIRING_AHEAD_MS ? before : Math.max(before ?? 0, ttl)
}

/** When an item of a window may expire at the earliest, in epoch seconds. Undefined: never. */
export const leastExpiry = (end: number, lifetime: MergeTask['lifetime']): number | undefined => expiryAfter(end * 1000, lifetime)

const expiryAfter = (newestMs: number, { latenessMs, retentionMs }: MergeTask['lifetime']): number | undefined =>
  latenessMs === undefined ? undefined : Math.ceil((newestMs + latenessMs + retentionMs + DAY_MS) / 1000)
