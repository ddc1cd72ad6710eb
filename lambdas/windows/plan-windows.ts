import { formatBytes, MAX_WINDOW_STATE_BYTES } from '../../shared/limits.ts'
import { arrivalOfOrder } from '../../shared/order.ts'
import { type Projection, projectionKey, type UserWindowProjection, type WindowProjection } from '../../shared/projection.ts'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import { rejections } from '../../shared/rejections.ts'
import {
  byKey,
  SLOT_USER_BYTES,
  type SlotItem,
  type UserItem,
  userHash,
  type WindowDelta,
  type WindowItem,
} from '../../shared/state.ts'

export interface WindowLifetime {
  /** How long after its window's end an event still counts. Undefined: no limit, and windows never expire. */
  readonly latenessMs: number | undefined
  /** Retention of the event stream plus that of the table's stream. */
  readonly retentionMs: number
}

/** A delta and its user. */
interface UserDelta extends WindowDelta {
  readonly user: string
  /** The user's last erasure: it covers the user's own windows up to this order number. */
  readonly erasedOrder: number
}

/** All deltas of a batch for one item: a user's window, or a slot of a window over all users. */
export type WindowTask = UserWindowTask | SlotTask

export interface UserWindowTask {
  readonly kind: 'window'
  readonly projection: UserWindowProjection
  readonly user: string
  readonly start: number
  readonly deltas: readonly UserDelta[]
}

export interface SlotTask {
  readonly kind: 'slot'
  readonly projection: WindowProjection
  readonly slot: number
  readonly start: number
  readonly deltas: readonly UserDelta[]
}

const slotOf = (user: string, slots: number): number => Number.parseInt(userHash(user).slice(0, 8), 16) % slots

/** One task for each item to change, from the user items in the order of the table's stream. Skips unknown projections. */
export function planWindows(images: readonly UserItem[], projections: readonly Projection[]): WindowTask[] {
  const known = byKey(projections)
  const tasks = new Map<string, WindowTask>()
  for (const { user, erasedOrder, outbox } of images) {
    for (const delta of outbox) {
      const projection = known.get(delta.projection)
      if (!projection || projection.scope === 'user') continue
      if (projection.scope === 'user window' && delta.order <= erasedOrder) continue
      const task = taskOf(projection, user, delta.start)
      const key = JSON.stringify([delta.projection, delta.start, task.kind === 'window' ? user : task.slot])
      const userDelta: UserDelta = { ...delta, user, erasedOrder }
      tasks.set(key, { ...task, deltas: [...(tasks.get(key)?.deltas ?? []), userDelta] })
    }
  }
  return [...tasks.values()]
}

const taskOf = (projection: UserWindowProjection | WindowProjection, user: string, start: number): WindowTask =>
  projection.scope === 'user window'
    ? { kind: 'window', projection, user, start, deltas: [] }
    : { kind: 'slot', projection, slot: slotOf(user, projection.slots), start, deltas: [] }

/** A changed item. It also records the order numbers of the deltas it rejected, so that they are not retried. */
export interface MergeResult<Item> {
  readonly item: Item
  readonly rejections: readonly MergeRejection[]
}

interface MergeRejection extends UserDelta {
  readonly reason: string
}

/** DynamoDB allows 400 KB for an item. This limits state and slot users together; the key and the rest need little. */
const MAX_ITEM_BYTES = 380_000
/** Leaves a slot room for its users. */

const STATE_TOO_LARGE = `The state of the window would be larger than ${formatBytes(MAX_WINDOW_STATE_BYTES)}.`
const PROJECTION_THREW = 'The `merge` or `document` function of the projection threw.'

/** The result of `merge`, or why it is rejected. Calls `document` too: if it threw later, it would stop the index function. */
function tryMerge(
  merge: () => unknown,
  document: (state: unknown) => unknown,
): { readonly state: unknown } | { readonly reason: string } {
  try {
    const state = merge()
    document(state)
    return jsonBytes(state) > MAX_WINDOW_STATE_BYTES ? { reason: STATE_TOO_LARGE } : { state }
  } catch {
    return { reason: PROJECTION_THREW }
  }
}

const jsonBytes = (state: unknown): number => Buffer.byteLength(JSON.stringify(state))

/** Merges the deltas that are newer than the window's version. Undefined: there are none. */
export function applyToWindow(
  stored: WindowItem | undefined,
  task: UserWindowTask,
  lifetime: WindowLifetime,
): MergeResult<WindowItem> | undefined {
  const { projection, user, start } = task
  let item: WindowItem = stored ?? { user, projection: projectionKey(projection), start, version: 0, state: projection.initial() }
  const unseen = task.deltas.filter(({ order }) => order > item.version)
  if (unseen.length === 0) return undefined
  const rejections: MergeRejection[] = []
  for (const delta of unseen) {
    const { order, state, erasedOrder } = delta
    const before = item.version <= erasedOrder ? projection.initial() : item.state
    const merged = tryMerge(
      () => projection.merge(before, state),
      shown => projection.document(shown, { user, start }),
    )
    if ('reason' in merged) rejections.push({ ...delta, ...merged })
    item = { ...item, version: order, state: 'state' in merged ? merged.state : before }
  }
  return { item: { ...item, ttl: expiry(projection, task, item.ttl, lifetime) }, rejections }
}

/** Merges the deltas that are newer than the last one of their user in the slot. Undefined: there are none. */
export function applyToSlot(
  stored: SlotItem | undefined,
  task: SlotTask,
  lifetime: WindowLifetime,
): MergeResult<SlotItem> | undefined {
  const { projection, start } = task
  const item = stored ?? emptySlot(task)
  const users = new Map(item.users)
  const isUnseen = ({ user, order }: UserDelta) => order > (users.get(userHash(user)) ?? 0)
  const rejections: MergeRejection[] = []
  let { state } = item
  let added = 0
  for (const delta of task.deltas) {
    if (!isUnseen(delta)) continue
    const hash = userHash(delta.user)
    const merged = tryMerge(
      () => projection.merge(state, delta.state, { firstOfUser: !users.has(hash) }),
      shown => projection.document(shown, { start }),
    )
    if ('reason' in merged) rejections.push({ ...delta, ...merged })
    else state = merged.state
    users.set(hash, delta.order)
    added += 1
  }
  if (added === 0) return undefined
  const ttl = expiry(projection, task, item.ttl, lifetime)
  return { item: { ...item, version: item.version + 1, state, users, ttl }, rejections }
}

const emptySlot = ({ projection, start, slot }: SlotTask): SlotItem => ({
  projection: projectionKey(projection),
  start,
  slot,
  version: 0,
  state: projection.initial(),
  users: new Map(),
})

/** A rejected delta as it is quarantined. Its events are not quarantined: every other store has them. */
export const asQuarantined =
  ({ projection }: WindowTask) =>
  ({ reason, user, projection: key, start, order, state }: MergeRejection): QuarantinedEvent => ({
    code: 'not_merged',
    message: `${reason} ${rejections.not_merged.help}`,
    type: projection.on.name,
    id: null,
    keyName: '',
    received: Math.trunc(arrivalOfOrder(order)),
    form: 'text',
    body: JSON.stringify({ projection: key, start, user, ord: order, state }),
  })

/** Limit of users in a slot; a large state lowers it. */
export const MAX_SLOT_USERS = 20_000

/**
 * A slot with too many users forgets those with the oldest deltas. It may then merge a late re-delivery of their deltas a second
 * time, but it never stops the stream.
 */
export function withinSize(item: SlotItem): SlotItem {
  const most = Math.min(MAX_SLOT_USERS, Math.floor((MAX_ITEM_BYTES - jsonBytes(item.state)) / SLOT_USER_BYTES))
  if (item.users.size <= most) return item
  const newest = [...item.users].sort(([, a], [, b]) => b - a).slice(0, most)
  return { ...item, users: new Map(newest) }
}

const DAY_MS = 86_400_000

/** When the item may expire, in epoch seconds: no record that changes it can arrive after that. Undefined: never. */
function expiry(
  projection: { window: number },
  { start, deltas }: WindowTask,
  before: number | undefined,
  lifetime: WindowLifetime,
): number | undefined {
  const { latenessMs, retentionMs } = lifetime
  if (latenessMs === undefined) return undefined
  const newestMs = Math.max(...deltas.map(({ order }) => arrivalOfOrder(order)), (start + projection.window) * 1000)
  return Math.max(before ?? 0, Math.ceil((newestMs + latenessMs + retentionMs + DAY_MS) / 1000))
}
