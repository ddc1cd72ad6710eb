import { createHash } from 'node:crypto'
import { type Projection, projectionKey, type UserWindowProjection, type WindowProjection } from '../../shared/projection.ts'
import { rejections } from '../../shared/rejections.ts'
import { byKey, type Contribution, type SlotItem, type UserItem, type WindowItem } from '../../shared/state.ts'
import type { QuarantinedEvent } from '../quarantine/dynamodb.ts'
import { USER_BYTES } from '../state/dynamodb-items.ts'

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

/** An item with the contributions that it did not hold yet, and those of them that it cannot take in: it holds their order all the same. */
export interface Merged<Item> {
  readonly item: Item
  readonly refused: readonly Refused[]
}

interface Refused extends Sent {
  readonly why: string
}

/** Of the 400 KB that an item may have: its key and little else beside these, and the state, which leaves room for a slot's users. */
const ITEM_BYTES = 380_000
export const STATE_BYTES = 200_000

const TOO_LARGE = 'With what the event adds, the state of the window would pass 200 KB.'
const THREW = 'The projection threw when what the event adds to the window was merged or shown.'

/** The state that `merge` makes, or why it cannot be kept; what `show` throws on would stop those who write its document. */
function tryMerge(
  merge: () => unknown,
  show: (state: unknown) => unknown,
): { readonly state: unknown } | { readonly why: string } {
  try {
    const state = merge()
    show(state)
    return jsonBytes(state) > STATE_BYTES ? { why: TOO_LARGE } : { state }
  } catch {
    return { why: THREW }
  }
}

const jsonBytes = (state: unknown): number => Buffer.byteLength(JSON.stringify(state))

/** The window with the contributions that it does not hold yet; undefined: it holds them all. */
export function applyToWindow(
  stored: WindowItem | undefined,
  task: Task & { kind: 'window' },
  life: Life,
): Merged<WindowItem> | undefined {
  const { projection, user, start } = task
  let item: WindowItem = stored ?? { user, projection: projectionKey(projection), start, version: 0, state: projection.initial() }
  const fresh = task.sent.filter(({ ord }) => ord > item.version)
  if (fresh.length === 0) return undefined
  const refused: Refused[] = []
  for (const sent of fresh) {
    const { ord, state, erasedOrd } = sent
    const before = item.version <= erasedOrd ? projection.initial() : item.state
    const merged = tryMerge(
      () => projection.merge(before, state),
      shown => projection.document(shown, { user, start }),
    )
    if ('why' in merged) refused.push({ ...sent, ...merged })
    item = { ...item, version: ord, state: 'state' in merged ? merged.state : before }
  }
  return { item: { ...item, ttl: expiry(projection, task, item.ttl, life) }, refused }
}

/** The slot with the contributions that it does not hold yet; undefined: it holds them all. */
export function applyToSlot(
  stored: SlotItem | undefined,
  task: Task & { kind: 'slot' },
  life: Life,
): Merged<SlotItem> | undefined {
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
  const refused: Refused[] = []
  let state = item.state
  let added = 0
  for (const sent of task.sent) {
    if (!isFresh(sent)) continue
    const hash = userHash(sent.user)
    const merged = tryMerge(
      () => projection.merge(state, sent.state, { firstOfUser: !users.has(hash) }),
      shown => projection.document(shown, { start }),
    )
    if ('why' in merged) refused.push({ ...sent, ...merged })
    else state = merged.state
    users.set(hash, sent.ord)
    added += 1
  }
  if (added === 0) return undefined
  return { item: { ...item, version: item.version + 1, state, users, ttl: expiry(projection, task, item.ttl, life) }, refused }
}

/** What a window refused, as it is put aside: not the events, which stand in every other store, but what they add. */
export const asQuarantined =
  ({ projection }: Task) =>
  ({ why, user, projection: key, start, ord, state }: Refused): QuarantinedEvent => ({
    code: 'not_merged',
    message: `${why} ${rejections.not_merged.help}`,
    type: projection.on.name,
    id: null,
    keyName: '',
    received: Math.trunc(ord / 1000),
    form: 'text',
    body: JSON.stringify({ projection: key, start, user, ord, state }),
  })

/** Users a slot may remember, where its state leaves them the room. */
export const SLOT_USERS = 20_000

/** A slot with too many users forgets those longest not seen: it may then count a late re-delivery of theirs again, but never stops the stream. */
export function withinSize(item: SlotItem): SlotItem {
  const most = Math.min(SLOT_USERS, Math.floor((ITEM_BYTES - jsonBytes(item.state)) / USER_BYTES))
  if (item.users.size <= most) return item
  const newest = [...item.users].sort(([, a], [, b]) => b - a).slice(0, most)
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
