import { createHash } from 'node:crypto'
import { type Projection, projectionKey, type UserWindowProjection, type WindowProjection } from '../../shared/projection.ts'
import { byKey, type Contribution, type SlotItem, type UserItem, type WindowItem } from '../../shared/state.ts'

export interface Life {
  /** How long after its window's end an event still counts; undefined: for ever, and windows never expire. */
  readonly latenessMs: number | undefined
  /** How long the stream and the table's stream together keep records. */
  readonly retentionMs: number
}

/** A contribution and whom it comes from. */
interface Sent extends Contribution {
  readonly user: string
  /** What is not newer than this of the user's own windows was erased. */
  readonly erasedOrd: number
}

/** Everything that a batch of user images adds to one item. */
export type Task =
  | {
      readonly kind: 'window'
      readonly projection: UserWindowProjection
      readonly user: string
      readonly start: number
      readonly sent: readonly Sent[]
    }
  | {
      readonly kind: 'slot'
      readonly projection: WindowProjection
      readonly slot: number
      readonly start: number
      readonly sent: readonly Sent[]
    }

/** 8 bytes of a user's hash in hex: what a slot remembers a user by. */
export const userHash = (user: string): string => createHash('sha256').update(user).digest('hex').slice(0, 16)

const slotOf = (user: string, slots: number): number => Number.parseInt(userHash(user).slice(0, 8), 16) % slots

/** The user items as the table's stream brought them, in its order, as tasks: one an item to change. Unknown projections are left out. */
export function planWindows(images: readonly UserItem[], projections: readonly Projection[]): Task[] {
  const known = byKey(projections)
  const tasks = new Map<string, Task>()
  for (const { user, erasedOrd, out } of images) {
    for (const contribution of out) {
      const projection = known.get(contribution.projection)
      if (!projection || projection.scope === 'user') continue
      if (projection.scope === 'user window' && contribution.ord <= erasedOrd) continue
      const task = taskOf(projection, user, contribution.start)
      const key = JSON.stringify([contribution.projection, contribution.start, task.kind === 'window' ? user : task.slot])
      const sent = { ...contribution, user, erasedOrd }
      tasks.set(key, { ...task, sent: [...(tasks.get(key)?.sent ?? []), sent] })
    }
  }
  return [...tasks.values()]
}

const taskOf = (projection: UserWindowProjection | WindowProjection, user: string, start: number): Task =>
  projection.scope === 'user window'
    ? { kind: 'window', projection, user, start, sent: [] }
    : { kind: 'slot', projection, slot: slotOf(user, projection.slots), start, sent: [] }

/** The window with the contributions that it does not hold yet; undefined: it holds them all. */
export function applyToWindow(
  stored: WindowItem | undefined,
  task: Task & { kind: 'window' },
  life: Life,
): WindowItem | undefined {
  const { projection, user, start } = task
  let item: WindowItem = stored ?? { user, projection: projectionKey(projection), start, version: 0, state: projection.initial() }
  const fresh = task.sent.filter(({ ord }) => ord > item.version)
  if (fresh.length === 0) return undefined
  for (const { ord, state, erasedOrd } of fresh) {
    const before = item.version <= erasedOrd ? projection.initial() : item.state
    item = { ...item, version: ord, state: projection.merge(before, state) }
  }
  return { ...item, ttl: expiry(projection, task, item.ttl, life) }
}

/** The slot with the contributions that it does not hold yet; undefined: it holds them all. */
export function applyToSlot(stored: SlotItem | undefined, task: Task & { kind: 'slot' }, life: Life): SlotItem | undefined {
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
  const isFresh = (sent: Sent) => sent.ord > (users.get(userHash(sent.user)) ?? 0)
  let state = item.state
  let added = 0
  for (const sent of task.sent) {
    if (!isFresh(sent)) continue
    const hash = userHash(sent.user)
    state = projection.merge(state, sent.state, { firstOfUser: !users.has(hash) })
    users.set(hash, sent.ord)
    added += 1
  }
  if (added === 0) return undefined
  return { ...item, version: item.version + 1, state, users, ttl: expiry(projection, task, item.ttl, life) }
}

/** Users a slot may remember: 16 bytes each, of the 400 KB that an item may have. */
export const SLOT_USERS = 20_000

/** A slot with too many users forgets those longest not seen: it may then count a late re-delivery of theirs again, but never stops the stream. */
export function withinSize(item: SlotItem): SlotItem {
  if (item.users.size <= SLOT_USERS) return item
  const newest = [...item.users].sort(([, a], [, b]) => b - a).slice(0, SLOT_USERS)
  return { ...item, users: new Map(newest) }
}

const DAY_MS = 86_400_000

/** When no record can come any more that touches the window; in epoch seconds, for the table's time to live. */
function expiry(
  projection: { window: number },
  { start, sent }: Task,
  before: number | undefined,
  life: Life,
): number | undefined {
  if (life.latenessMs === undefined) return undefined
  const newestMs = Math.max(...sent.map(({ ord }) => ord / 1000), (start + projection.window) * 1000)
  return Math.max(before ?? 0, Math.ceil((newestMs + life.latenessMs + life.retentionMs + DAY_MS) / 1000))
}
