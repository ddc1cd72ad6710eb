import { type Event, identityHash } from '../../shared/event.ts'
import type { FoldTarget } from '../../shared/grain.ts'
import { MAX_RECORD_DELTA_BYTES } from '../../shared/limits.ts'
import { shortHash, wholeSecondsOf } from '../../shared/memory/identities.ts'
import { IdentityMemory, type LoadedMemory, type MemoryRules } from '../../shared/memory/identity-memory.ts'
import { arrivalOfOrder, nextOrder } from '../../shared/order.ts'
import { folds, initialState, type Projection, projectionKey } from '../../shared/projection.ts'
import type { RejectionCode } from '../../shared/rejections.ts'
import { describeError, SafeError } from '../../shared/safe-error.ts'
import { deltaBytes, type EventPosition, type UserItem, type WindowDelta } from '../../shared/state.ts'
import { StateFull } from '../../shared/state-full.ts'
import { asStored, deepFreeze, storedBytes } from '../../shared/stored-json.ts'
import { isLate, type LatenessBound } from './lateness.ts'
import { fitStates } from './state-room.ts'

/** A record of the event stream: events of one user in order, or the erasure of that user. The fold reads no other time than these two. */
export interface UserRecord {
  readonly sequenceNumber: string
  /** When ingest received its events, milliseconds since 1970. A replay of quarantined events keeps it. */
  readonly received: number
  /** When it arrived in the stream, milliseconds since 1970. */
  readonly arrived: number
  readonly events: readonly Event[]
  readonly erasure: boolean
  /** Positions of events that are not folded, because the function did not survive them. */
  readonly fatal?: ReadonlySet<number>
}

export interface FoldRules extends LatenessBound {
  readonly projections: readonly Projection[]
  readonly memory: MemoryRules
  /** How long the streams keep records. An erased item is kept longer than that. */
  readonly retentionMs: number
}

/** An event that could not be folded, to be quarantined. */
export interface FoldRejection {
  readonly event: Event
  readonly at: EventPosition
  readonly code: Extract<RejectionCode, 'projection_failed' | 'state_too_large' | 'retry_budget_spent'>
  /** What failed in which projection, without event data. */
  readonly reason?: string
}

/** The result of folding one record. */
export interface RecordFold {
  /** The user's item after the record, with an empty outbox, and with the memory that it had before the fold. */
  readonly item: UserItem
  /** When the record arrived, in whole seconds since 1970, and how many of the memory's recent identities there are after it. */
  readonly arrived: number
  readonly remembered: number
  readonly deltas: readonly WindowDelta[]
  readonly rejections: readonly FoldRejection[]
  readonly folded: number
  readonly repeated: number
  readonly late: number
}

const DAY_MS = 86_400_000

/** The fold of one user, between two records. */
interface UserFold {
  readonly rules: FoldRules
  readonly memory: IdentityMemory
  item: UserItem
}

/** A user's item as it was read, and the part of its memory that can matter to the records. */
export interface StoredUser {
  readonly user: string
  readonly item: UserItem | undefined
  readonly loaded: LoadedMemory
}

/**
 * Returns a function that folds records of one user, in stream order, starting from the item as it was read, and the memory that it
 * fills. The result for a record depends only on the user's records up to it, never on batches or clocks.
 */
export function userFold({ user, item, loaded }: StoredUser, rules: FoldRules) {
  const memory = new IdentityMemory(loaded, rules.memory)
  const fold: UserFold = { rules, memory, item: item ? { ...item, outbox: [], passedOver: [] } : emptyItem(user) }
  return { memory, fold: (record: UserRecord): RecordFold => foldRecord(fold, record) }
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
  // A new item may follow an expired one. By the arrival its order numbers are above, whatever the clock of ingest says.
  const clock = item.version === 0 ? Math.max(record.received, record.arrived) : record.received
  fold.item = { ...item, sequenceNumber: record.sequenceNumber, version: nextOrder(item.version, clock) }
  if (record.erasure) fold.item = erase(fold.item, record, rules)
  const step = foldEvents(fold, record)
  const isEmpty = step.folded === 0 && (item.version === 0 || item.ttl !== undefined)
  if (isEmpty) fold.item = { ...fold.item, ttl: expiry(fold.item, record, rules) }
  return { item: fold.item, arrived: wholeSecondsOf(record.arrived), remembered: memory.recent.length, ...step }
}

const erase = (item: UserItem, record: UserRecord, rules: FoldRules): UserItem => ({
  ...item,
  states: {},
  late: 0,
  erasedOrder: item.version,
  ttl: expiry(item, record, rules),
})

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

function foldEvents(fold: UserFold, record: UserRecord): Omit<RecordFold, 'item' | 'arrived' | 'remembered'> {
  const { memory } = fold
  const { arrived, sequenceNumber } = record
  const rejections: FoldRejection[] = []
  const counts = { folded: 0, repeated: 0, late: 0 }
  let deltas: Deltas = new Map()
  for (const [position, event] of deepFreeze(record.events).entries()) {
    const identity = { hash: shortHash(identityHash(event)), arrived: wholeSecondsOf(arrived), stated: event.stated }
    if (memory.has(identity)) {
      counts.repeated += 1
      continue
    }
    const change = tryFold(fold, event, arrived, deltas, record.fatal?.has(position) ?? false)
    if ('code' in change) {
      rejections.push({ ...change, event, at: { sequenceNumber, position } })
      continue
    }
    memory.keep(identity)
    fold.item = { ...fold.item, states: change.states, late: fold.item.late + change.late, ttl: undefined }
    deltas = change.deltas
    counts.folded += 1
    counts.late += change.late
  }
  return { deltas: [...deltas.values()].map(({ delta }) => delta), rejections, ...counts }
}

/** The deltas of a record by projection and window, with their bytes in the item. */
type Deltas = ReadonlyMap<string, { readonly delta: WindowDelta; readonly bytes: number }>

/** The states and deltas after an event. */
interface Change {
  readonly states: UserItem['states']
  /** Keys of the projections that changed their state of the user. */
  readonly fed: readonly string[]
  readonly deltas: Deltas
  readonly late: 0 | 1
}

/** Folds an event, or rejects it if a projection throws on it, does not return, or the item would become too large. */
function tryFold(
  fold: UserFold,
  event: Event,
  arrived: number,
  deltas: Deltas,
  fatal: boolean,
): Change | Pick<FoldRejection, 'code' | 'reason'> {
  if (fatal) return { code: 'retry_budget_spent' }
  const change = foldEvent(event, arrived, fold.item, deltas, fold.rules)
  if ('code' in change) return change
  const fit = fitStates(fold.item.states, change, fold.rules.projections)
  if ('reason' in fit) return { code: 'state_too_large', ...fit }
  const bytes = [...change.deltas.values()].reduce((sum, delta) => sum + delta.bytes, 0)
  return bytes <= MAX_RECORD_DELTA_BYTES ? { ...change, ...fit } : { code: 'state_too_large' }
}

/** The states and deltas after this event, or why a projection refuses it or fails. */
function foldEvent(
  event: Event,
  arrived: number,
  item: UserItem,
  deltas: Deltas,
  rules: FoldRules,
): Change | Pick<FoldRejection, 'code' | 'reason'> {
  let change: Change = { states: item.states, fed: [], deltas, late: 0 }
  for (const projection of rules.projections.filter(each => folds(each, event.type))) {
    try {
      const target = projection.grain.target(projection, event)
      if (target === undefined) continue
      // Not `received`: the window of an event that is replayed long after may have expired.
      if (target !== 'user state' && isLate(arrived, target.end * 1000, rules)) change = { ...change, late: 1 }
      else change = foldInto(target, change, projection, event, item)
    } catch (error) {
      return {
        code: error instanceof StateFull ? 'state_too_large' : 'projection_failed',
        reason: failureOf(projection, error),
      }
    }
  }
  return change
}

/** What failed, without event data. A SafeError is a sentence about the projection's result. */
const failureOf = (projection: Projection, error: unknown): string =>
  error instanceof SafeError
    ? `${projectionKey(projection)}: ${describeError(error)}`
    : `${projectionKey(projection)} threw ${describeError(error)}.`

/** Folds the event into one state or delta. Throws what the projection throws. */
function foldInto(target: FoldTarget, change: Change, projection: Projection, event: Event, item: UserItem): Change {
  const key = projectionKey(projection)
  const windowKey = target === 'user state' ? undefined : `${key}#${target.start}`
  const stored = windowKey === undefined ? change.states[key] : change.deltas.get(windowKey)?.delta.state
  // A state may be null.
  const before = stored === undefined ? initialState(projection) : stored
  const state: unknown = asStored(projection.fold(before, event))
  projection.grain.rehearse(projection, state, item.user)
  if (target === 'user state' || windowKey === undefined)
    return { ...change, states: { ...change.states, [key]: state }, fed: [...change.fed, key] }
  const delta: WindowDelta = { projection: key, start: target.start, order: item.version, state }
  const sized = { delta, bytes: deltaBytes(delta, storedBytes(state)) }
  return { ...change, deltas: new Map(change.deltas).set(windowKey, sized) }
}
