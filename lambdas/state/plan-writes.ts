import type { RememberedIdentity } from '../../shared/memory/identities.ts'
import type { StoredPage } from '../../shared/memory/page-content.ts'
import { type KnownPages, planPages } from '../../shared/memory/plan-pages.ts'
import { bySequenceNumber } from '../../shared/order.ts'
import { byKey, type Projection } from '../../shared/projection.ts'
import { type EventPosition, positionsText, type UserItem } from '../../shared/state.ts'
import { type RecordFold, rememberedMs, type StoredUser, userFold } from './fold-record.ts'
import { Outbox } from './outbox.ts'
import type { FoldRejection, FoldRules, UserRecord } from './user-record.ts'

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

/** A write that other records may still join. */
interface OpenWrite extends Pick<Write, 'readVersion' | 'recordsDone' | 'folded' | 'repeated' | 'late'> {
  /** The last record. */
  step: RecordFold
  readonly outbox: Outbox
  readonly rejections: FoldRejection[]
  recordsDone: number
  folded: number
  repeated: number
  late: number
}

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
    if (!write || !joins(write, step, projections)) {
      write = openWrite(step, (write?.step.item ?? stored.item)?.version)
      writes.push(write)
    }
    extend(write, step, at + 1)
  }
  return withMemory(writes, memory.recent, stored.loaded, rules)
}

const openWrite = (step: RecordFold, readVersion: number | undefined): OpenWrite => ({
  step,
  outbox: new Outbox(step),
  readVersion,
  rejections: [],
  recordsDone: 0,
  folded: 0,
  repeated: 0,
  late: 0,
})

/** Whether the record can join the write. Then its deltas are merged into the outbox. */
function joins({ outbox, rejections }: OpenWrite, step: RecordFold, projections: ReadonlyMap<string, Projection>): boolean {
  const isShort =
    step.rejections.length === 0 ||
    Buffer.byteLength(positionsText(positionsOf([...rejections, ...step.rejections]))) <= MAX_PASSED_OVER_BYTES
  return isShort && outbox.tryMerge(step, projections)
}

const positionsOf = (rejections: readonly FoldRejection[]): EventPosition[] => rejections.map(({ at }) => at)

function extend(write: OpenWrite, step: RecordFold, recordsDone: number): void {
  write.step = step
  write.rejections.push(...step.rejections)
  write.recordsDone = recordsDone
  write.folded += step.folded
  write.repeated += step.repeated
  write.late += step.late
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
  return writes.map(({ step, outbox, ...write }) => {
    const planned = planPages(known, recent.slice(moved, step.remembered), step.arrived, rules.memory)
    known = planned
    moved += planned.moved
    const { identities, pages } = planned
    const passedOver = positionsOf(write.rejections)
    const newPages = planned.newPages.map(({ reference: { id, isIndex, newest }, packed }) => ({
      user: step.item.user,
      id,
      isIndex,
      content: packed,
      ttl: pageExpiry(newest, rules),
    }))
    return { ...write, item: { ...step.item, outbox: outbox.all(), passedOver, identities, pages }, newPages }
  })
}

const DAY_MS = 86_400_000

/** When a page may expire, in epoch seconds: a day after its last identity is forgotten and the streams cannot deliver an older record. */
const pageExpiry = (newest: number, { memory, retentionMs }: FoldRules): number =>
  newest + Math.ceil((rememberedMs(memory) + retentionMs + DAY_MS) / 1000)
