import type { Event } from '../../shared/event.ts'
import { countsWindow, lastSize, type SimData, WINDOW_SECONDS } from './projections.ts'

export type SimEvent = Event<SimData>

/** One record as the producer put it into the stream. */
export interface LogEntry {
  readonly seq: bigint
  readonly user: string
  readonly received: number
  readonly arrived: number
  readonly events: readonly SimEvent[]
  readonly erasure: boolean
  /** Its mapping gave up a batch with it, decided or not. */
  givenUp: boolean
}

export interface Limits {
  readonly identitySeconds: number
  readonly identityCount: number
  readonly statedSeconds: number
  readonly latenessMs: number
}

/** `fold`, or the code of the rejection. */
export type Decision = 'fold' | 'projection_failed' | 'state_too_large' | 'retry_budget_spent' | 'record_unread'

/** What the stores must contain about one user. Never changed in place. */
export interface UserHistory {
  /** The events folded since the last erasure, in order. */
  readonly folded: readonly SimEvent[]
  readonly late: number
  readonly pad: number
  readonly seen: readonly Remembered[]
  /** By start: the events in each window of the user; undefined: erased and not written again. */
  readonly windows: ReadonlyMap<number, readonly SimEvent[] | undefined>
  /** The user's events in the windows over all users. An erasure leaves them. */
  readonly shared: readonly SimEvent[]
  readonly rejected: readonly Rejected[]
  /** What the item remembered when it passed a record by that was given up. */
  readonly heldBy: readonly Remembered[]
  /** The ids whose last decision was a rejection, with one of its codes. */
  readonly missing: ReadonlyMap<string, Decision>
}

/** A rejection of an event. Of attempts that reject it for different reasons, the code of one is in quarantine. */
export interface Rejected {
  readonly id: string
  readonly codes: readonly Decision[]
}

/** A folded event, oldest first. Times are in whole seconds. */
export interface Remembered {
  readonly id: string
  readonly arrived: number
  readonly stated: number | undefined
}

/** A record half-way: the widths of its window deltas and whether it contains a rejected event. */
export interface RecordProgress {
  readonly widths: ReadonlyMap<number, number>
  readonly rejected: boolean
}

const STATE_BYTES = 250_000
/** `last` and two revisions of `typed` share the item. */
const STATES = 3
const RECORD_DELTA_KILOBYTES = 120
const BYTES_PER_STATE = '"last-r1":,'.length

export const newUser: UserHistory = {
  folded: [],
  late: 0,
  pad: 0,
  seen: [],
  windows: new Map(),
  shared: [],
  rejected: [],
  heldBy: [],
  missing: new Map(),
}

export const newRecord: RecordProgress = { widths: new Map(), rejected: false }

/** The history when this record arrives: an erasure removes what it covers. */
export function beginRecord(user: UserHistory, { erasure }: LogEntry): UserHistory {
  if (!erasure) return user
  const windows = new Map([...user.windows.keys()].map(start => [start, undefined] as const))
  return { ...user, folded: [], late: 0, pad: 0, windows }
}

const secondsOf = (milliseconds: number): number => Math.floor(milliseconds / 1000)

/** Whether the event is among the newest and arrived a short time ago, or states a time with which it arrived a longer time ago. */
export function isRepeated({ seen }: UserHistory, entry: LogEntry, { id, stated }: SimEvent, limits: Limits): boolean {
  const arrived = secondsOf(entry.arrived)
  return seen.some((each, at) => {
    const age = arrived - each.arrived
    const isRecent = age <= limits.identitySeconds && at >= seen.length - limits.identityCount
    const isStated = stated !== undefined && each.stated === stated && age <= limits.statedSeconds
    return each.id === id && (isRecent || isStated)
  })
}

/** Why every deployed code that does not throw on poison rejects this event; undefined if it folds it. */
export function sizeRejection(
  user: UserHistory,
  record: RecordProgress,
  { arrived }: LogEntry,
  event: SimEvent,
  limits: Limits,
): 'state_too_large' | undefined {
  const { fill, weight, width } = event.data
  if (user.pad + fill + weight + width === 0) return undefined
  const bytes = BYTES_PER_STATE + lastSize([...idsOf(user), event.id], user.pad, event.data).length
  if (bytes > Math.floor(STATE_BYTES / STATES)) return 'state_too_large'
  if (!countsWindow(event) || isLate(event, arrived, limits)) return undefined
  const widths = [...new Map(record.widths).set(startOf(event), event.data.width).values()]
  return widths.reduce((sum, width) => sum + width, 0) < RECORD_DELTA_KILOBYTES ? undefined : 'state_too_large'
}

const idsOf = ({ folded }: UserHistory): string[] => folded.map(({ id }) => id)

export const startOf = ({ data }: SimEvent): number => Math.floor(data.at / WINDOW_SECONDS) * WINDOW_SECONDS

const isLate = (event: SimEvent, arrived: number, { latenessMs }: Limits): boolean =>
  arrived - (startOf(event) + WINDOW_SECONDS) * 1000 > latenessMs

export function rejectEvent(user: UserHistory, { id }: SimEvent, codes: readonly Decision[]): UserHistory {
  const [code = 'projection_failed'] = codes
  return { ...user, rejected: [...user.rejected, { id, codes }], missing: new Map(user.missing).set(id, code) }
}

/** The history after code that does not know the type of the event: even a replay of it ends here. */
export function passEventBy(user: UserHistory, { id }: SimEvent): UserHistory {
  const missing = new Map(user.missing)
  missing.delete(id)
  return { ...user, missing }
}

export function foldEvent(user: UserHistory, { arrived }: LogEntry, event: SimEvent, limits: Limits): UserHistory {
  const folded: UserHistory = {
    ...passEventBy(user, event),
    folded: [...user.folded, event],
    pad: lastSize([...idsOf(user), event.id], user.pad, event.data).pad,
    seen: [...user.seen, { id: event.id, arrived: secondsOf(arrived), stated: event.stated }],
  }
  if (!countsWindow(event)) return folded
  if (isLate(event, arrived, limits)) return { ...folded, late: user.late + 1 }
  const start = startOf(event)
  const windows = new Map(user.windows).set(start, [...(user.windows.get(start) ?? []), event])
  return { ...folded, windows, shared: [...user.shared, event] }
}

export function addWidth(record: RecordProgress, { arrived }: LogEntry, event: SimEvent, limits: Limits): RecordProgress {
  if (!countsWindow(event) || isLate(event, arrived, limits)) return record
  return { ...record, widths: new Map(record.widths).set(startOf(event), event.data.width) }
}
