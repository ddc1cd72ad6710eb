import { type Event, identityHash } from '../../shared/event.ts'
import { orInitial } from '../../shared/grains/merge.ts'
import { MAX_RECORD_DELTA_BYTES } from '../../shared/limits.ts'
import { shortHash, wholeSecondsOf } from '../../shared/memory/identities.ts'
import type { IdentityMemory } from '../../shared/memory/identity-memory.ts'
import { type KeyedProjection, projectionsOf } from '../../shared/projection.ts'
import { describeError, SafeError } from '../../shared/safe-error.ts'
import type { EventPosition, UserItem } from '../../shared/state.ts'
import { StateFull } from '../../shared/state-full.ts'
import { asStored, deepFreeze } from '../../shared/stored-json.ts'
import { isLate } from './lateness.ts'
import { fitInto, SizedDelta } from './sized-delta.ts'
import { fitStates, type StateSizes } from './state-room.ts'
import type { FoldRejection, FoldRules, RejectionReason, UserRecord } from './user-record.ts'

/** The fold of one user, between two records. */
export interface UserFold {
  readonly rules: FoldRules
  readonly memory: IdentityMemory
  readonly sizes: StateSizes
  item: UserItem
}

/** What the events of a record did, beside changing the states. */
export interface FoldedEvents {
  /** By projection and window. */
  deltas: ReadonlyMap<string, SizedDelta>
  readonly rejections: FoldRejection[]
  folded: number
  repeated: number
  late: number
}

/** The delta of a record to a window, while its events are folded. */
interface Draft {
  readonly keyed: KeyedProjection
  readonly start: number
  state: unknown
}

/** What some events of a record change, if all of them can be folded. */
interface Changes {
  states: UserItem['states']
  /** By projection and window. */
  readonly drafts: Map<string, Draft>
  folded: number
  repeated: number
  late: number
}

/** A record that is being folded. */
interface Folding {
  readonly fold: UserFold
  readonly record: UserRecord
  readonly result: FoldedEvents
}

/**
 * Folds the events of a record into the user's item. An event is rejected if a projection throws on it or does not return, or if
 * the item would become too large.
 */
export function foldEvents(fold: UserFold, record: UserRecord): FoldedEvents {
  const folding = begin(fold, record)
  foldRange(folding, 0, record.events.length)
  return folding.result
}

/** Folds the events of a record one by one. `before` is called with the position of each that is not rejected already. */
export async function foldOneByOne(
  fold: UserFold,
  record: UserRecord,
  before: (position: number) => Promise<void>,
): Promise<void> {
  const folding = begin(fold, record)
  for (const [at, position] of record.positions.entries()) {
    if (!record.rejected?.has(position)) await before(position)
    foldRange(folding, at, at + 1)
  }
}

function begin(fold: UserFold, record: UserRecord): Folding {
  deepFreeze(record.events)
  return { fold, record, result: { deltas: new Map(), rejections: [], folded: 0, repeated: 0, late: 0 } }
}

/**
 * Folds some events of a record all at once: there is one delta for each window and record, so it is checked, measured and rehearsed
 * once. If that fails, folds the events one by one, to find those that fail.
 */
function foldRange(folding: Folding, from: number, to: number): void {
  const { record, result } = folding
  const failure = tryFold(folding, from, to)
  if (!failure) return
  const event = record.events[from]
  if (event && to - from === 1) result.rejections.push({ ...failure, event, at: positionOf(record, from) })
  else for (let at = from; at < to; at++) foldRange(folding, at, at + 1)
}

const positionOf = ({ sequenceNumber, positions }: UserRecord, at: number): EventPosition => ({
  sequenceNumber,
  position: positions[at] ?? 0,
})

/** Folds the events, or changes nothing and returns why not. */
function tryFold(folding: Folding, from: number, to: number): RejectionReason | undefined {
  const { item, memory } = folding.fold
  const remembered = memory.recent.length
  const changes: Changes = { states: item.states, drafts: new Map(), folded: 0, repeated: 0, late: 0 }
  const failure = draftEvents(folding, changes, from, to) ?? settle(folding, changes)
  if (failure) memory.forgetFrom(remembered)
  return failure
}

function draftEvents(folding: Folding, changes: Changes, from: number, to: number): RejectionReason | undefined {
  const { record, fold } = folding
  const arrived = wholeSecondsOf(record.arrived)
  for (let at = from; at < to; at++) {
    const event = record.events[at] as Event
    const identity = { hash: shortHash(identityHash(event)), arrived, stated: event.stated }
    if (fold.memory.has(identity)) {
      changes.repeated += 1
      continue
    }
    const failure = record.rejected?.get(record.positions[at] ?? 0) ?? draftEvent(folding, changes, event)
    if (failure) return failure
    fold.memory.keep(identity)
    changes.folded += 1
  }
  return undefined
}

/** Folds an event into the states and the drafts. Returns why a projection refuses it or fails. */
function draftEvent({ fold, record, result }: Folding, changes: Changes, event: Event): RejectionReason | undefined {
  const fed: string[] = []
  let { states } = changes
  let late = 0
  for (const keyed of projectionsOf(fold.rules.projections, event.type)) {
    const { projection, key } = keyed
    try {
      const target = projection.grain.target(projection, event)
      if (target === undefined) continue
      if (target === 'user state') {
        const before = orInitial(projection, states[key])
        const state: unknown = asStored(projection.fold(before, event), before)
        projection.grain.rehearse(projection, state, fold.item.user)
        states = { ...states, [key]: state }
        fed.push(key)
        // Not `received`: the window of an event that is replayed long after may have expired.
      } else if (isLate(record.arrived, target.end * 1000, fold.rules)) late = 1
      else {
        const draft = draftOf(keyed, target.start, result, changes)
        draft.state = foldedDelta(projection.fold(orInitial(projection, draft.state), event))
      }
    } catch (error) {
      return failureOf(keyed, error)
    }
  }
  const fit = fitStates(changes.states, { states, fed }, fold.rules.projections, fold.sizes)
  if ('reason' in fit) return { code: 'state_too_large', ...fit }
  changes.states = fit.states
  changes.late += late
  return undefined
}

/** A delta between two events of a record. All of it is checked and frozen when it is settled. */
const foldedDelta = (state: unknown): unknown => (typeof state === 'object' ? Object.freeze(state) : asStored(state))

function draftOf(keyed: KeyedProjection, start: number, { deltas }: FoldedEvents, { drafts }: Changes): Draft {
  const name = `${keyed.key}#${start}`
  const known = drafts.get(name)
  if (known) return known
  const draft: Draft = { keyed, start, state: deltas.get(name)?.delta.state }
  drafts.set(name, draft)
  return draft
}

/** What failed, without event data. A SafeError is a sentence about the projection's result. */
const failureOf = ({ key }: KeyedProjection, error: unknown): RejectionReason => ({
  code: error instanceof StateFull ? 'state_too_large' : 'projection_failed',
  reason: error instanceof SafeError ? `${key}: ${describeError(error)}` : `${key} threw ${describeError(error)}.`,
})

/** Takes the changes into the item and the deltas of the record, or returns why the deltas cannot be merged or stored. */
function settle({ fold, result }: Folding, { drafts, states, folded, repeated, late }: Changes): RejectionReason | undefined {
  const { item } = fold
  const deltas = new Map(result.deltas)
  for (const [name, { keyed, start, state: drafted }] of drafts) {
    try {
      const state = asStored(drafted, deltas.get(name)?.delta.state)
      keyed.projection.grain.rehearse(keyed.projection, state, item.user)
      deltas.set(name, new SizedDelta({ projection: keyed.key, start, order: item.version, state }))
    } catch (error) {
      return failureOf(keyed, error)
    }
  }
  if (!fitInto(MAX_RECORD_DELTA_BYTES, deltas.values())) return { code: 'state_too_large' }
  result.deltas = deltas
  if (folded > 0) fold.item = { ...item, states, late: item.late + late, ttl: undefined }
  result.folded += folded
  result.repeated += repeated
  result.late += late
  return undefined
}
