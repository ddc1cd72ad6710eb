import type { Event } from '../../shared/event.ts'
import { countsWindow, type SimData, sorted, WINDOW_SECONDS } from './projections.ts'

/** One record as the producer put it into the stream. */
export interface LogEntry {
  readonly seq: bigint
  readonly user: string
  readonly received: number
  readonly arrived: number
  readonly events: readonly Event<SimData>[]
  readonly erasure: boolean
}

export interface Limits {
  readonly identityMs: number
  readonly identityCount: number
  readonly latenessMs: number
}

/** The expected content of every store at the end of a run. */
export interface Expected {
  readonly users: Map<string, { ids: string[]; n: number; late: number; erased: boolean }>
  /** By `user|start`; undefined: erased and not written again. */
  readonly windows: Map<string, { user: string; start: number; n: number; sum: number } | undefined>
  readonly countries: Map<number, { start: number; n: number; users: Set<string>; countries: Record<string, number> }>
  readonly quarantine: Set<string>
}

const STATE_KILOBYTES = 250
const RECORD_KILOBYTES = 120

interface User {
  ids: string[]
  n: number
  late: number
  erased: boolean
  weight: number
  seen: { id: string; arrived: number }[]
  records: { ids: string; arrived: number }[]
}

/** Folds the whole log in plain code, record by record: without batches, faults or the product's folds. */
export function expectedOf(log: readonly LogEntry[], limits: Limits): Expected {
  const expected: Expected = { users: new Map(), windows: new Map(), countries: new Map(), quarantine: new Set() }
  for (const entry of [...log].sort((a, b) => (a.seq < b.seq ? -1 : 1))) {
    const user = (expected.users.get(entry.user) as User | undefined) ?? {
      ids: [],
      n: 0,
      late: 0,
      erased: false,
      weight: 0,
      seen: [],
      records: [],
    }
    expected.users.set(entry.user, user)
    user.seen = user.seen.filter(({ arrived }) => entry.arrived - arrived <= limits.identityMs)
    user.records = user.records.filter(({ arrived }) => entry.arrived - arrived <= limits.identityMs)
    if (entry.erasure) eraseUser(entry.user, user, expected)
    else foldEntry(entry, user, expected, limits)
  }
  return expected
}

function eraseUser(name: string, user: User, { windows }: Expected): void {
  Object.assign(user, { ids: [], n: 0, late: 0, weight: 0, erased: true })
  for (const key of windows.keys()) if (key.startsWith(`${name}|`)) windows.set(key, undefined)
}

function foldEntry({ events, arrived, user: name }: LogEntry, user: User, expected: Expected, limits: Limits): void {
  const ids = events.map(({ id }) => id).join()
  if (user.records.some(record => record.ids === ids)) return
  const widths = new Map<number, number>()
  let rejected = false
  for (const event of events) {
    if (user.seen.some(({ id }) => id === event.id)) continue
    const code = rejectionOf(event, arrived, user, widths, limits)
    if (code) {
      expected.quarantine.add(`${event.id} ${code}`)
      rejected = true
      continue
    }
    user.seen = [...user.seen, { id: event.id, arrived }].slice(-limits.identityCount)
    Object.assign(user, {
      ids: [...user.ids, event.id].slice(-5),
      n: user.n + 1,
      weight: user.weight + event.data.weight,
      erased: false,
    })
    if (!countsWindow(event)) continue
    if (isLate(event, arrived, limits)) user.late += 1
    else addToWindows(name, event, expected)
  }
  if (!rejected) user.records.push({ ids, arrived })
}

function rejectionOf(
  event: Event<SimData>,
  arrived: number,
  user: User,
  widths: Map<number, number>,
  limits: Limits,
): string | undefined {
  if (event.data.poison) return 'projection_failed'
  if (user.weight + event.data.weight >= STATE_KILOBYTES) return 'state_too_large'
  if (!countsWindow(event) || isLate(event, arrived, limits)) return undefined
  const before = widths.get(startOf(event))
  widths.set(startOf(event), event.data.width)
  if ([...widths.values()].reduce((sum, width) => sum + width, 0) < RECORD_KILOBYTES) return undefined
  if (before === undefined) widths.delete(startOf(event))
  else widths.set(startOf(event), before)
  return 'state_too_large'
}

const startOf = ({ data }: Event<SimData>): number => Math.floor(data.at / WINDOW_SECONDS) * WINDOW_SECONDS

const isLate = (event: Event<SimData>, arrived: number, { latenessMs }: Limits): boolean =>
  arrived - (startOf(event) + WINDOW_SECONDS) * 1000 > latenessMs

function addToWindows(user: string, event: Event<SimData>, { windows, countries }: Expected): void {
  const start = startOf(event)
  const own = windows.get(`${user}|${start}`) ?? { user, start, n: 0, sum: 0 }
  windows.set(`${user}|${start}`, { ...own, n: own.n + 1, sum: own.sum + event.data.value })
  const all = countries.get(start) ?? { start, n: 0, users: new Set<string>(), countries: {} }
  const counts = sorted({ ...all.countries, [event.data.country]: (all.countries[event.data.country] ?? 0) + 1 })
  countries.set(start, { start, n: all.n + 1, users: all.users.add(user), countries: counts })
}
