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
  /** How long after its window's end an event still counts; undefined: for ever, and windows never expire. */
  readonly latenessMs: number | undefined
  /** How long the stream and the table's stream together keep records. */
  readonly retentionMs: number
}

/** A delta and whom it comes from. */
interface UserDelta extends WindowDelta {
  readonly user: string
  /** What is not newer than this of the user's own windows was erased. */
  readonly erasedOrder: number
}

/** Everything that a batch of user images adds to one item. */
export type WindowTask =
  | {
      readonly kind: 'window'
      readonly projection: UserWindowProjection
      readonly user: string
      readonly start: number
      readonly deltas: readonly UserDelta[]
    }
  | {
      readonly kind: 'slot'
      readonly projection: WindowProjection
      readonly slot: number
      readonly start: number
      readonly deltas: readonly UserDelta[]
    }

const slotOf = (user: string, slots: number): number => Number.parseInt(userHash(user).slice(0, 8), 16) % slots

/** The user items as the table's stream brought them, in its order, as tasks: one an item to change. Unknown projections are left out. */
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

/** An item with the contributions that it did not hold yet, and those of them that it cannot take in: it holds their order all the same. */
export interface MergeResult<Item> {
  readonly item: Item
  readonly rejections: readonly MergeRejection[]
}

interface MergeRejection extends UserDelta {
  readonly reason: string
}

/** Of the 400 KB that an item may have: its key and little else beside these, and the state, which leaves room for a slot's users. */
const MAX_ITEM_BYTES = 380_000
export const MAX_WINDOW_STATE_BYTES = 200_000

const STATE_TOO_LARGE = 'With what the event adds, the state of the window would pass 200 KB.'
const PROJECTION_THREW = 'The projection threw when what the event adds to the window was merged or shown.'

/** The state that `merge` makes, or why it cannot be kept; what `show` throws on would stop those who write its document. */
function tryMerge(
  merge: () => unknown,
  show: (state: unknown) => unknown,
): { readonly state: unknown } | { readonly reason: string } {
  try {
    const state = merge()
    show(state)
    return jsonBytes(state) > MAX_WINDOW_STATE_BYTES ? { reason: STATE_TOO_LARGE } : { state }
  } catch {
    return { reason: PROJECTION_THREW }
  }
}

const jsonBytes = (state: unknown): number => Buffer.byteLength(JSON.stringify(state))

/** The window with the contributions that it does not hold yet; undefined: it holds them all. */
export function applyToWindow(
  stored: WindowItem | undefined,
  task: WindowTask & { kind: 'window' },
  life: WindowLifetime,
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
  return { item: { ...item, ttl: expiry(projection, task, item.ttl, life) }, rejections }
}

/** The slot with the contributions that it does not hold yet; undefined: it holds them all. */
export function applyToSlot(
  stored: SlotItem | undefined,
  task: WindowTask & { kind: 'slot' },
  life: WindowLifetime,
): MergeResult<SlotItem> | undefined {
  const { projection, slot, start } = task
  const item: SlotItem = stored ?? {
    projection: projectionKey(projection),
    start,
    slot,
    version: 0,
    state: projection.initial(),
    users: new Map(),
  }
  const users = new Map(item.users)
  const isUnseen = ({ user, order }: UserDelta) => order > (users.get(userHash(user)) ?? 0)
  const rejections: MergeRejection[] = []
  let state = item.state
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
  return {
    item: { ...item, version: item.version + 1, state, users, ttl: expiry(projection, task, item.ttl, life) },
    rejections,
  }
}

/** What a window refused, as it is put aside: not the events, which stand in every other store, but what they add. */
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

/** Users a slot may remember, where its state leaves them the room. */
export const MAX_SLOT_USERS = 20_000

/** A slot with too many users forgets those longest not seen: it may then count a late re-delivery of theirs again, but never stops the stream. */
export function withinSize(item: SlotItem): SlotItem {
  const most = Math.min(MAX_SLOT_USERS, Math.floor((MAX_ITEM_BYTES - jsonBytes(item.state)) / SLOT_USER_BYTES))
  if (item.users.size <= most) return item
  const newest = [...item.users].sort(([, a], [, b]) => b - a).slice(0, most)
  return { ...item, users: new Map(newest) }
}

const DAY_MS = 86_400_000

/** When no record can come any more that touches the window; in epoch seconds, for the table's time to live. */
function expiry(
  projection: { window: number },
  { start, deltas }: WindowTask,
  before: number | undefined,
  life: WindowLifetime,
): number | undefined {
  if (life.latenessMs === undefined) return undefined
  const newestMs = Math.max(...deltas.map(({ order }) => arrivalOfOrder(order)), (start + projection.window) * 1000)
  return Math.max(before ?? 0, Math.ceil((newestMs + life.latenessMs + life.retentionMs + DAY_MS) / 1000))
}
