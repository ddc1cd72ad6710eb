import type { RememberedIdentity } from '../../shared/memory/identities.ts'
import type { StoredPage } from '../../shared/memory/page-content.ts'
import { type KnownPages, planPages } from '../../shared/memory/plan-pages.ts'
import { bySequenceNumber } from '../../shared/order.ts'
import { byKey, type Projection } from '../../shared/projection.ts'
import { outboxText, positionsText, type UserItem, type WindowDelta } from '../../shared/state.ts'
import { asStored } from '../../shared/stored-json.ts'
import {
  type FoldRejection,
  type FoldRules,
  type RecordFold,
  rememberedMs,
  type StoredUser,
  type UserRecord,
  userFold,
} from './fold-record.ts'

/** One conditional put of the user's item. Its pages and rejected events are stored before it, and the latter quarantined after it. */
export interface Write {
  readonly item: UserItem
  readonly newPages: readonly StoredPage[]
  /** The put's condition: the item still has this version. Undefined: it does not exist. */
  readonly readVersion: number | undefined
  readonly rejections: readonly FoldRejection[]
  /** How many of the given records are committed by this write and those before it. */
  readonly recordsDone: number
  readonly folded: number
  readonly repeated: number
  readonly late: number
}

/** A write whose memory is not planned yet: other records may still join it. */
interface OpenWrite extends Omit<Write, 'newPages'>, Pick<RecordFold, 'arrived' | 'remembered'> {}

const MAX_OUTBOX_BYTES = 100_000
/** The list of the rejected events of a write, as it is stored in the item. */
const MAX_PASSED_OVER_BYTES = 4_000

/**
 * Folds a user's records, in stream order, into the item as it was read. Returns the writes in the order to make them. A write
 * ends before the record with which its outbox would be larger than 100 KB or its list of rejected events larger than 4 KB, and
 * before a record whose deltas the projection cannot merge into it. Such a delta then comes to the windows function alone, which
 * isolates it.
 */
export function planWrites(stored: StoredUser, records: readonly UserRecord[], rules: FoldRules): Write[] {
  const { memory, fold } = userFold(stored, rules)
  const projections = byKey(rules.projections)
  const writes: OpenWrite[] = []
  let write: OpenWrite | undefined
  for (const [at, record] of records.entries()) {
    if (stored.item && bySequenceNumber(record.sequenceNumber, stored.item.sequenceNumber) <= 0) continue
    const step = fold(record)
    const outbox = write && tryMergeOutbox(write.item.outbox, step, projections)
    const longer = write && outbox && extend(write, step, outbox, at + 1)
    if (longer && Buffer.byteLength(positionsText(longer.item.passedOver)) <= MAX_PASSED_OVER_BYTES) {
      write = longer
    } else {
      if (write) writes.push(write)
      write = openWrite(step, step.deltas, (write?.item ?? stored.item)?.version, at + 1)
    }
  }
  if (write) writes.push(write)
  return withMemory(writes, memory.recent, stored.loaded, rules)
}

/** The writes with the memory of their items, and the pages that they need. */
function withMemory(
  writes: readonly OpenWrite[],
  recent: readonly RememberedIdentity[],
  loaded: KnownPages,
  rules: FoldRules,
): Write[] {
  let known = loaded
  let moved = 0
  return writes.map(({ arrived, remembered, ...write }) => {
    const planned = planPages(known, recent.slice(moved, remembered), arrived, rules.memory)
    known = planned
    moved += planned.moved
    const { identities, pages } = planned
    const newPages = planned.newPages.map(({ reference: { id, isIndex, newest }, packed }) => ({
      user: write.item.user,
      id,
      isIndex,
      content: packed,
      ttl: pageExpiry(newest, rules),
    }))
    return { ...write, item: { ...write.item, identities, pages }, newPages }
  })
}

const DAY_MS = 86_400_000

/** When a page may expire, in epoch seconds: a day after its last identity is forgotten and the streams cannot deliver an older record. */
const pageExpiry = (newest: number, { memory, retentionMs }: FoldRules): number =>
  newest + Math.ceil((rememberedMs(memory) + retentionMs + DAY_MS) / 1000)

const openWrite = (
  { item, arrived, remembered, rejections, folded, repeated, late }: RecordFold,
  outbox: readonly WindowDelta[],
  readVersion: number | undefined,
  recordsDone: number,
): OpenWrite => ({
  item: { ...item, outbox, passedOver: rejections.map(({ at }) => at) },
  arrived,
  remembered,
  readVersion,
  rejections,
  recordsDone,
  folded,
  repeated,
  late,
})

const extend = (write: OpenWrite, step: RecordFold, outbox: readonly WindowDelta[], recordsDone: number): OpenWrite => ({
  item: { ...step.item, outbox, passedOver: [...write.item.passedOver, ...step.rejections.map(({ at }) => at)] },
  arrived: step.arrived,
  remembered: step.remembered,
  readVersion: write.readVersion,
  rejections: [...write.rejections, ...step.rejections],
  recordsDone,
  folded: write.folded + step.folded,
  repeated: write.repeated + step.repeated,
  late: write.late + step.late,
})

/** The outbox with the deltas of one more record; undefined if they need a write of their own. */
function tryMergeOutbox(...merging: Parameters<typeof mergeOutbox>): readonly WindowDelta[] | undefined {
  try {
    const outbox = mergeOutbox(...merging)
    return Buffer.byteLength(outboxText(outbox)) > MAX_OUTBOX_BYTES ? undefined : outbox
  } catch {
    // The windows function merges the same deltas, and reports what the projection throws.
    return undefined
  }
}

/**
 * One delta for each projection and window, with the order number of its last record. An erasure drops the user's earlier
 * deltas to the user's own windows.
 */
function mergeOutbox(
  outbox: readonly WindowDelta[],
  step: RecordFold,
  projections: ReadonlyMap<string, Projection>,
): readonly WindowDelta[] {
  const erased = step.item.erasedOrder
  const merged = new Map<string, WindowDelta>()
  for (const delta of [...outbox, ...step.deltas]) {
    const projection = projections.get(delta.projection)
    const parts = projection?.grain.parts
    if (!parts || (parts.ofOneUser && delta.order <= erased)) continue
    const key = `${delta.projection}#${delta.start}`
    const before = merged.get(key)
    const state = before ? asStored(parts.mergeDeltas(projection, before.state, delta.state)) : delta.state
    merged.set(key, { ...delta, state })
  }
  return [...merged.values()]
}
