import { type Event, identityHash } from '../../shared/event.ts'
import { nextOrder } from '../../shared/order.ts'
import { type Projection, projectionKey, windowStart } from '../../shared/projection.ts'
import type { RejectionCode } from '../../shared/rejections.ts'
import type { UserItem, WindowDelta } from '../../shared/state.ts'
import { type IdentityWindow, identitiesFrom, recordHash, shortHash } from './identities.ts'

/** One record of the stream: events of one user in their order, or the order to erase that user. */
export interface UserRecord {
  readonly sequenceNumber: string
  /** When ingest got its events, milliseconds since 1970; a replay of quarantined events keeps it. */
  readonly received: number
  /** When the stream got it, milliseconds since 1970. These two, stored with the record, are the only clocks of the fold. */
  readonly arrived: number
  readonly events: readonly Event[]
  readonly erasure: boolean
}

export interface FoldRules {
  readonly projections: readonly Projection[]
  readonly identities: IdentityWindow
  /** How long after its window's end an event still counts; undefined: for ever. */
  readonly latenessMs: number | undefined
  /** How long the streams keep records: an erased item outlives them. */
  readonly retentionMs: number
}

/** An event that could not be folded, to be put aside. */
export interface FoldRejection {
  readonly event: Event
  readonly code: Extract<RejectionCode, 'projection_failed' | 'state_too_large'>
}

/** What one record did. */
export interface RecordFold {
  /** The user after it; the outbox is empty. */
  readonly item: UserItem
  readonly deltas: readonly WindowDelta[]
  readonly rejections: readonly FoldRejection[]
  readonly folded: number
  readonly repeated: number
  readonly late: number
}

/** Of the 400 KB that an item may have: the states with the identities, and what one record may add to windows. */
const MAX_STATE_BYTES = 250_000
const MAX_RECORD_DELTA_BYTES = 120_000
const MAX_RECORD_HASHES = 64

/**
 * Folds records of one user, in stream order, beginning with the item as it was read. What a record does depends on the
 * user's records up to it alone: never on batches or clocks.
 */
export function userFold(user: string, stored: UserItem | undefined, rules: FoldRules): (record: UserRecord) => RecordFold {
  const identities = identitiesFrom(stored?.identities ?? new Uint8Array(), rules.identities)
  const recordHashes = identitiesFrom(stored?.recordHashes ?? new Uint8Array(), { ...rules.identities, count: MAX_RECORD_HASHES })
  let item: UserItem = stored ? { ...stored, outbox: [] } : emptyItem(user)

  /** The event's change, when it can be folded and its user has room for it. */
  const tryFold = (event: Event, arrived: number, contributions: Deltas): Change | FoldRejection => {
    const change = foldEvent(event, arrived, item, contributions, rules)
    if (!change) return { event, code: 'projection_failed' }
    const stateBytes = jsonBytes(Object.values(change.states)) + identities.bytes() + recordHashes.bytes()
    const fits = stateBytes <= MAX_STATE_BYTES && deltaBytes(change.deltas) <= MAX_RECORD_DELTA_BYTES
    return fits ? change : { event, code: 'state_too_large' }
  }

  const foldEvents = ({ events, received, arrived }: UserRecord): Omit<RecordFold, 'item'> => {
    const hashes = events.map(event => shortHash(identityHash(event)))
    const whole = recordHash(hashes)
    const step = { deltas: new Map() as Deltas, rejections: [] as FoldRejection[], folded: 0, repeated: 0, late: 0 }
    for (const [i, event] of events.entries()) {
      const hash = hashes[i] as bigint
      if (identities.has(hash) || recordHashes.has(whole)) {
        step.repeated += 1
        continue
      }
      const change = tryFold(event, arrived, step.deltas)
      if ('code' in change) {
        step.rejections.push(change)
        continue
      }
      identities.keep(hash, received)
      item = { ...item, states: change.states, late: item.late + change.late, ttl: undefined }
      step.deltas = change.deltas
      step.folded += 1
      step.late += change.late
    }
    // A record with a refused event must be looked at again when it is sent again.
    if (step.rejections.length === 0 && !recordHashes.has(whole)) recordHashes.keep(whole, received)
    return { ...step, deltas: [...step.deltas.values()] }
  }

  return record => {
    item = { ...item, sequenceNumber: record.sequenceNumber, version: nextOrder(item.version, record.received) }
    identities.forget(record.received)
    recordHashes.forget(record.received)
    if (record.erasure) item = erase(item, record, rules)
    const step = foldEvents(record)
    item = { ...item, identities: identities.pack(), recordHashes: recordHashes.pack() }
    return { item, ...step }
  }
}

const emptyItem = (user: string): UserItem => ({
  user,
  version: 0,
  sequenceNumber: '0',
  identities: new Uint8Array(),
  recordHashes: new Uint8Array(),
  states: {},
  late: 0,
  erasedOrder: 0,
  outbox: [],
})

/** An erased item keeps its order and its identities until no reader of the streams can bring an older record. */
function erase(item: UserItem, { received }: UserRecord, rules: FoldRules): UserItem {
  const ttl = Math.ceil((received + rules.retentionMs + rules.identities.milliseconds) / 1000)
  return { ...item, states: {}, late: 0, erasedOrder: item.version, ttl }
}

type Deltas = ReadonlyMap<string, WindowDelta>

interface Change {
  readonly states: UserItem['states']
  readonly deltas: Deltas
  readonly late: 0 | 1
}

/** The states and contributions with this event folded in; undefined when a projection throws on it. */
function foldEvent(event: Event, arrived: number, item: UserItem, deltas: Deltas, rules: FoldRules): Change | undefined {
  const states = { ...item.states }
  const added = new Map(deltas)
  let late: 0 | 1 = 0
  try {
    for (const projection of rules.projections.filter(({ on }) => on.name === event.type)) {
      const key = projectionKey(projection)
      if (projection.scope === 'user') {
        states[key] = measured(projection.fold(states[key] ?? projection.initial(), event))
        projection.document(states[key], item.user) // throws here, not where it would stop the table's stream
        continue
      }
      if (!projection.where(event)) continue
      const start = windowStart(projection, event)
      if (!Number.isSafeInteger(start)) throw new RangeError(`${key} places the event in no window`)
      if (isLate(arrived, start + projection.window, rules)) {
        late = 1
        continue
      }
      const before = added.get(`${key}#${start}`)?.state ?? projection.initial()
      const state = measured(projection.fold(before, event))
      projection.merge(projection.initial(), state, { firstOfUser: true }) // likewise
      added.set(`${key}#${start}`, { projection: key, start, order: item.version, state })
    }
  } catch {
    return undefined
  }
  return { states, deltas: added, late }
}

/** By the stream's arrival: what was replayed long after it was received may find its window expired. */
const isLate = (arrived: number, windowEnd: number, { latenessMs }: FoldRules): boolean =>
  latenessMs !== undefined && arrived - windowEnd * 1000 > latenessMs

const sizes = new WeakMap<object, number>()

/** Measures a new state once; throws on what is not JSON. */
function measured<State>(state: State): State {
  const bytes = Buffer.byteLength(JSON.stringify(state))
  if (typeof state === 'object' && state !== null) sizes.set(state, bytes)
  return state
}

const jsonBytes = (states: readonly unknown[]): number =>
  states.reduce<number>((total, state) => {
    if (typeof state === 'object' && state !== null && !sizes.has(state)) measured(state)
    return total + (sizes.get(state as object) ?? 32) + 64
  }, 0)

const deltaBytes = (contributions: Deltas): number => jsonBytes([...contributions.values()].map(({ state }) => state))
