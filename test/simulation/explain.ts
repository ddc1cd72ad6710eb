import { type Commit, positionOf } from './commits.ts'
import {
  addWidth,
  beginRecord,
  type Decision,
  foldEvent,
  isRepeated,
  type Limits,
  type LogEntry,
  newRecord,
  newUser,
  passEventBy,
  type RecordProgress,
  type Rejected,
  rejectEvent,
  type SimEvent,
  sizeRejection,
  type UserHistory,
} from './oracle.ts'
import { isAdded } from './projections.ts'

/** What the run leaves open: how an event that is not a repetition may have been decided. */
export interface OpenDecisions {
  /** Old code rejects poison, new code folds it. */
  readonly deploys: boolean
  /** A projection throws in some of its calls. */
  readonly impure: boolean
  /** Whether the function noted that it did not survive this event of a record. */
  isBlamed(seq: bigint, place: number): boolean
  /** Whether this event was ever quarantined with this code. */
  wasQuarantined(id: string, code: Decision): boolean
  /** Whether an event of this record may be quarantined although it was decided: the user's item may have forgotten it. */
  isDoubtful(entry: LogEntry, id: string): boolean
}

/** More histories of one user are not tried. */
const MAX_HISTORIES = 20_000

/** A record with the first commit that contains it or a later record. */
interface Step {
  readonly entry: LogEntry
  readonly commit: Commit | undefined
}

/**
 * The histories that lead to all commits of a user's item, record by record: without batches, faults or the product's folds. The
 * commits tell which events were folded and which were rejected; here is decided whether they may. Only whether a record that was
 * given up had been decided before can be open.
 */
export function* histories(
  log: readonly LogEntry[],
  commits: readonly Commit[],
  limits: Limits,
  open: OpenDecisions,
): Generator<UserHistory> {
  const entries = [...log].sort((a, b) => (a.seq < b.seq ? -1 : 1))
  if (!areInOrder(commits, entries)) return
  const steps = entries.map((entry): Step => ({ entry, commit: commits.find(({ seq }) => seq >= entry.seq) }))
  const tried = new Set<string>()
  let found = 0

  function* fromStep(at: number, user: UserHistory): Generator<UserHistory> {
    const step = steps[at]
    if (found >= MAX_HISTORIES) return
    if (!step) {
      found += 1
      yield user
      return
    }
    const next = historiesAfter(step, user, limits, open)
    for (const history of next) {
      const key = next.length > 1 && `${at} ${textOf(history)}`
      if (key && tried.has(key)) continue
      if (key) tried.add(key)
      yield* fromStep(at + 1, history)
    }
  }

  yield* fromStep(0, newUser)
}

/** The histories after the record, as it may have been decided or not. */
function historiesAfter(step: Step, user: UserHistory, limits: Limits, open: OpenDecisions): UserHistory[] {
  const decided = codesFor(step, open).flatMap(code => decideRecord(step, user, limits, { ...open, code }) ?? [])
  return [
    ...decided,
    ...(isOnlyAdded(step, open) ? [step.entry.events.reduce(passEventBy, user)] : []),
    ...(mayBePassedBy(step) ? [passByRecord(user, step.entry, limits, open)] : []),
  ]
}

/** Equal histories have equal texts. An event is its id. */
const textOf = (user: UserHistory): string =>
  JSON.stringify(user, (_, value) => (value instanceof Map ? [...value] : value?.data ? value.id : value))

/** Whether each commit contains the records up to one of the user's, and more of them than the commit before. */
function areInOrder(commits: readonly Commit[], entries: readonly LogEntry[]): boolean {
  const known = new Set(entries.map(({ seq }) => seq))
  return commits.every(({ seq }, at) => known.has(seq) && seq > (commits[at - 1]?.seq ?? 0n))
}

type CodeVersion = 'old' | 'new'

/** Which code may have decided the record, where it makes a difference: the old code passes events of the added type by. */
const codesFor = ({ entry: { events } }: Step, { deploys }: OpenDecisions): readonly CodeVersion[] =>
  deploys && events.some(isAdded) ? ['new', 'old'] : ['new']

/** Whether the old code may have left the record without a commit: it folds none of its events. */
const isOnlyAdded = ({ entry, commit }: Step, { deploys }: OpenDecisions): boolean =>
  deploys && !entry.erasure && entry.events.every(isAdded) && commit?.seq !== entry.seq && !rejectsSome(entry, commit)

const rejectsSome = ({ seq, events }: LogEntry, commit: Commit | undefined): boolean =>
  events.some((_, place) => commit?.rejected.has(positionOf(seq, place)))

/** The history after the record, as its commit decided it. Undefined: the commit did not, or no code may decide so. */
function decideRecord(
  { entry, commit }: Step,
  before: UserHistory,
  limits: Limits,
  open: OpenDecisions & { readonly code: CodeVersion },
): UserHistory | undefined {
  if (!commit) return undefined
  let user = beginRecord(before, entry)
  let record = newRecord
  for (const [place, event] of entry.events.entries()) {
    const isRejected = commit.rejected.has(positionOf(entry.seq, place))
    const isUnknown = open.code === 'old' && isAdded(event)
    if (isUnknown || isRepeated(user, entry, event, limits)) {
      if (isRejected) return undefined
      if (isUnknown) user = passEventBy(user, event)
      continue
    }
    const decisions = [
      ...decisionsFor(user, record, entry, event, limits, open),
      ...(open.isBlamed(entry.seq, place) ? BLAMED : []),
    ]
    const codes = decisions.filter(decision => decision !== 'fold')
    if (isRejected ? codes.length === 0 : !decisions.includes('fold')) return undefined
    user = isRejected ? rejectEvent(user, event, codes) : foldEvent(user, entry, event, limits)
    record = isRejected ? { ...record, rejected: true } : addWidth(record, entry, event, limits)
  }
  if (commit.seq === entry.seq && !holds(commit, user)) return undefined
  return noteDoubts(user, entry, record, open)
}

const holds = ({ ids }: Commit, { folded }: UserHistory): boolean =>
  ids.length === folded.length && folded.every(({ id }, at) => id === ids[at])

/** Whether it may be that no commit decided the record, because it was given up before. */
const mayBePassedBy = ({ entry, commit }: Step): boolean =>
  entry.givenUp && commit?.seq !== entry.seq && !rejectsSome(entry, commit)

/** The history after a record that was given up and that no function decided. */
function passByRecord(user: UserHistory, entry: LogEntry, limits: Limits, { wasQuarantined }: OpenDecisions): UserHistory {
  const { events } = entry
  const missing = new Map(user.missing)
  for (const event of events) if (!isRepeated(user, entry, event, limits)) missing.set(event.id, 'record_unread')
  const unread = events.filter(({ id }) => wasQuarantined(id, 'record_unread')).map(asUnread)
  const held = user.seen.filter(each => events.some(({ id }) => id === each.id))
  return { ...user, rejected: [...user.rejected, ...unread], missing, heldBy: [...user.heldBy, ...held] }
}

const asUnread = ({ id }: SimEvent): Rejected => ({ id, codes: ['record_unread'] })

/** A record that was decided is quarantined as unread only if it has no rejected event, whose mark would tell, and is forgotten. */
function noteDoubts(
  user: UserHistory,
  entry: LogEntry,
  { rejected }: RecordProgress,
  { isDoubtful }: OpenDecisions,
): UserHistory {
  const doubtful = entry.givenUp && !rejected ? entry.events.filter(({ id }) => isDoubtful(entry, id)) : []
  return doubtful.length === 0 ? user : { ...user, rejected: [...user.rejected, ...doubtful.map(asUnread)] }
}

function decisionsFor(
  user: UserHistory,
  record: RecordProgress,
  entry: LogEntry,
  event: SimEvent,
  limits: Limits,
  { deploys, impure }: OpenDecisions,
): Decision[] {
  const newCode = event.data.broken ? 'projection_failed' : (sizeRejection(user, record, entry, event, limits) ?? 'fold')
  const oldCode = event.data.poison ? 'projection_failed' : newCode
  const decisions: Decision[] = []
  if (deploys) decisions.push(newCode)
  if (!event.data.hangs && !isAdded(event)) decisions.push(oldCode)
  if (impure) decisions.push('projection_failed')
  return decisions
}

/** An earlier attempt, which another one beside it kept from its put, may have noted the event as too large: that reason is in quarantine. */
const BLAMED: readonly Decision[] = ['retry_budget_spent', 'state_too_large']
