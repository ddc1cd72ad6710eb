import {
  addWidth,
  beginRecord,
  type Decision,
  endRecord,
  foldEvent,
  isRepeated,
  type Limits,
  type LogEntry,
  newRecord,
  newUser,
  type RecordProgress,
  rejectEvent,
  type SimEvent,
  sizeRejection,
  type UserHistory,
} from './oracle.ts'

/** What the run leaves open: how an event that is not a repetition may have been decided. */
export interface OpenDecisions {
  /** Old code rejects poison, new code folds it. */
  readonly deploys: boolean
  /** A projection throws in some of its calls. */
  readonly impure: boolean
  /** Whether this event was ever quarantined with this code. */
  wasQuarantined(id: string, code: Decision): boolean
  /** Whether an event of this record may be quarantined although it was decided: the user's item may have forgotten it. */
  isDoubtful(entry: LogEntry, id: string): boolean
}

/** More histories of one user are not tried. */
const MAX_HISTORIES = 20_000

/**
 * The histories that a user's records allow, record by record: without batches, faults or the product's folds. A run without
 * deployments and without a retry budget has one. `isPossible` cuts off a history whose folds the stores contradict.
 */
export function* histories(
  log: readonly LogEntry[],
  limits: Limits,
  open: OpenDecisions,
  isPossible: (user: UserHistory) => boolean,
): Generator<UserHistory> {
  const entries = [...log].sort((a, b) => (a.seq < b.seq ? -1 : 1))
  let found = 0

  function* fromEntry(at: number, user: UserHistory): Generator<UserHistory> {
    const entry = entries[at]
    if (found >= MAX_HISTORIES) return
    if (entry) {
      yield* fromEvent(at, entry, 0, beginRecord(user, entry, limits), newRecord)
      if (entry.givenUp) yield* fromEntry(at + 1, passByRecord(user, entry, open))
    } else {
      found += 1
      yield user
    }
  }

  function* fromEvent(
    at: number,
    entry: LogEntry,
    place: number,
    user: UserHistory,
    record: RecordProgress,
  ): Generator<UserHistory> {
    const event = entry.events[place]
    if (!event) yield* fromEntry(at + 1, noteDoubts(endRecord(user, entry, record), entry, record, open))
    else if (isRepeated(user, entry, event)) yield* fromEvent(at, entry, place + 1, user, record)
    else
      for (const decision of decisionsFor(user, record, entry, event, limits, open)) {
        if (decision === 'fold') {
          const after = foldEvent(user, entry, event, limits)
          if (isPossible(after)) yield* fromEvent(at, entry, place + 1, after, addWidth(record, entry, event, limits))
        } else yield* fromEvent(at, entry, place + 1, rejectEvent(user, event, decision), { ...record, rejected: true })
      }
  }

  yield* fromEntry(0, newUser)
}

/** The history after a record that was given up and that no function decided. */
function passByRecord(user: UserHistory, entry: LogEntry, { wasQuarantined }: OpenDecisions): UserHistory {
  const { events } = entry
  const rejected = new Set(user.rejected)
  const missing = new Map(user.missing)
  for (const event of events) {
    const { id } = event
    if (wasQuarantined(id, 'record_unread')) rejected.add(`${id} record_unread`)
    if (!isRepeated(user, entry, event)) missing.set(id, 'record_unread')
  }
  const held = user.seen.filter(each => events.some(({ id }) => id === each.id))
  return { ...user, rejected, missing, heldBy: [...user.heldBy, ...held] }
}

/** A record that was decided is quarantined as unread only if it has no rejected event, whose mark would tell, and is forgotten. */
function noteDoubts(
  user: UserHistory,
  entry: LogEntry,
  { rejected }: RecordProgress,
  { isDoubtful }: OpenDecisions,
): UserHistory {
  const doubtful = entry.givenUp && !rejected ? entry.events.filter(({ id }) => isDoubtful(entry, id)) : []
  return doubtful.length === 0
    ? user
    : { ...user, rejected: new Set([...user.rejected, ...doubtful.map(({ id }) => `${id} record_unread`)]) }
}

function decisionsFor(
  user: UserHistory,
  record: RecordProgress,
  entry: LogEntry,
  event: SimEvent,
  limits: Limits,
  { deploys, impure, wasQuarantined }: OpenDecisions,
): Decision[] {
  const newCode = event.data.broken ? 'projection_failed' : (sizeRejection(user, record, entry, event, limits) ?? 'fold')
  const oldCode = event.data.poison ? 'projection_failed' : newCode
  const decisions: Decision[] = []
  if (deploys) decisions.push(newCode)
  if (!event.data.hangs) decisions.push(oldCode)
  // Of attempts that reject an event for different reasons, the first reason is kept.
  const wasRejected = wasQuarantined(event.id, 'projection_failed') || wasQuarantined(event.id, 'state_too_large')
  if (impure && wasRejected) decisions.push('projection_failed')
  if (wasQuarantined(event.id, 'retry_budget_spent')) decisions.push('retry_budget_spent')
  return [...new Set(decisions)]
}
