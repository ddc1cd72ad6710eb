import { wholeSecondsOf } from '../../shared/memory/identities.ts'
import { IdentityMemory, type LoadedMemory, type MemoryRules } from '../../shared/memory/identity-memory.ts'
import { arrivalOfOrder, erasureOrder, nextOrder } from '../../shared/order.ts'
import type { UserItem } from '../../shared/state.ts'
import { type FoldedEvents, foldEvents, foldOneByOne, type UserFold } from './fold-events.ts'
import { StateSizes } from './state-room.ts'
import type { FoldRules, UserRecord } from './user-record.ts'

/** The result of folding one record. */
export interface RecordFold extends Readonly<FoldedEvents> {
  /** The user's item after the record, with an empty outbox, and with the memory that it had before the fold. */
  readonly item: UserItem
  /** When the record arrived, in whole seconds since 1970, and how many of the memory's recent identities there are after it. */
  readonly arrived: number
  readonly remembered: number
}

const DAY_MS = 86_400_000

/** A user's item as it was read, and the part of its memory that can matter to the records. */
export interface StoredUser {
  readonly user: string
  readonly item: UserItem | undefined
  readonly loaded: LoadedMemory
}

/**
 * Returns a function that folds records of one user, in stream order, starting from the item as it was read, and the memory that it
 * fills. The result for a record depends only on the user's records up to it, never on batches or clocks. `tryRecord` folds a record
 * event by event, for what may happen during it: it calls `before` with the position of each.
 */
export function userFold({ user, item, loaded }: StoredUser, rules: FoldRules) {
  const memory = new IdentityMemory(loaded, rules.memory)
  const before = item ? { ...item, outbox: [], passedOver: [] } : emptyItem(user)
  const fold: UserFold = { rules, memory, sizes: new StateSizes(), item: before }
  return {
    memory,
    fold: (record: UserRecord): RecordFold => foldRecord(fold, record),
    tryRecord: (record: UserRecord, before: (position: number) => Promise<void>): Promise<void> => {
      begin(fold, record)
      return foldOneByOne(fold, record, before)
    },
  }
}

const emptyItem = (user: string): UserItem => ({
  user,
  version: 0,
  sequenceNumber: '0',
  identities: new Uint8Array(),
  pages: new Uint8Array(),
  states: {},
  late: 0,
  erasedOrder: 0,
  outbox: [],
  passedOver: [],
})

function foldRecord(fold: UserFold, record: UserRecord): RecordFold {
  const { memory, rules, item } = fold
  begin(fold, record)
  const step = foldEvents(fold, record)
  const isEmpty = step.folded === 0 && (item.version === 0 || item.ttl !== undefined)
  if (isEmpty) fold.item = { ...fold.item, ttl: expiry(fold.item, record, rules) }
  return { item: fold.item, arrived: wholeSecondsOf(record.arrived), remembered: memory.recent.length, ...step }
}

/** The item with the order number of the record, and without its states if the record is an erasure. */
function begin(fold: UserFold, record: UserRecord): void {
  const { rules, item } = fold
  // A new item may follow an expired one. By the arrival its order numbers are above, whatever the clock of ingest says.
  const clock = item.version === 0 ? Math.max(record.received, record.arrived) : record.received
  fold.item = { ...item, sequenceNumber: record.sequenceNumber, version: nextOrder(item.version, clock) }
  if (record.erasure) fold.item = erase(fold.item, record, rules)
}

function erase(before: UserItem, record: UserRecord, rules: FoldRules): UserItem {
  const version = erasureOrder(before.version)
  const item = { ...before, version, states: {}, late: 0, erasedOrder: version }
  return { ...item, ttl: expiry(item, record, rules) }
}

/**
 * When an item without states may expire, in epoch seconds: its user is erased, or all its events were rejected. It keeps its
 * order number, its identities and the list of what it passed over for a day after the streams can deliver an older record.
 */
function expiry({ version }: UserItem, { arrived }: UserRecord, { retentionMs, memory }: FoldRules): number {
  const newest = Math.max(arrived, arrivalOfOrder(version))
  return Math.ceil((newest + retentionMs + Math.max(rememberedMs(memory), DAY_MS)) / 1000)
}

/** How long an identity is remembered at most. */
export const rememberedMs = ({ seconds, statedSeconds }: MemoryRules): number => Math.max(seconds, statedSeconds) * 1000
