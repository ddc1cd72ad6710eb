import type { PartItem } from '../../shared/state.ts'
import type { Code } from './code.ts'
import { limits } from './conditions.ts'
import type { Environment } from './environment.ts'
import { histories, type OpenDecisions } from './explain.ts'
import { type SimEvent, startOf, type UserHistory } from './oracle.ts'
import { readSums, sorted, typedState } from './projections.ts'
import { type Stores, sharedIds, storesOf, windowText } from './stores.ts'

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)
const idsOf = (events: readonly SimEvent[]): string[] => events.map(({ id }) => id)

interface Verdict {
  readonly history: UserHistory
  readonly violations: readonly string[]
}

/** Compares the table, the index and the quarantine with a plain fold of the log. Returns the differences. */
export function judge(environment: Environment, code: Code): string[] {
  const stores = storesOf(environment, code)
  const names = [...new Set(environment.log.map(({ user }) => user))].sort()
  const verdicts = new Map(names.map(name => [name, judgeUser(name, environment, stores)]))
  return [
    ...environment.violations,
    ...[...verdicts.values()].flatMap(({ violations }) => violations),
    ...judgeCountries(new Map([...verdicts].map(([name, { history }]) => [name, history.shared])), stores),
    ...[...stores.windows.keys()].flatMap(key => {
      const [name = '', start] = key.split('|')
      return verdicts.get(name)?.history.windows.has(Number(start)) ? [] : [`window ${key} should not exist`]
    }),
  ]
}

/** Compares a user's stores with each history that its records allow. Returns the one with the fewest differences. */
function judgeUser(name: string, environment: Environment, stores: Stores): Verdict {
  const { conditions, invocations } = environment
  const log = environment.log.filter(({ user }) => user === name)
  const ids = new Set(log.flatMap(({ events }) => idsOf(events)))
  const shared = sharedIds(stores, id => ids.has(id))
  const open: OpenDecisions = {
    deploys: conditions.deploys,
    wasQuarantined: (id, code) => invocations.everQuarantined.has(`${id} ${code}`),
  }
  const isOpen = conditions.deploys || Number.isFinite(conditions.retryBudgetMs)
  const isPossible = isOpen
    ? possibility(
        stateIds(name, stores),
        log.some(({ erasure }) => erasure),
        shared,
      )
    : () => true
  let best: Verdict | undefined
  for (const history of histories(log, limits, open, isPossible)) {
    const violations = [
      ...judgeStates(name, history, stores),
      ...judgeWindows(name, history, stores, environment.expired),
      ...judgeFresh(name, history, stores, environment.expired),
      ...judgeShared(name, history, shared),
      ...judgeQuarantine(name, ids, history, stores, environment),
    ]
    if (!best || violations.length < best.violations.length) best = { history, violations }
    if (violations.length === 0) break
  }
  return best ?? unexplained(name, log, stores)
}

/** Whether the stores do not contradict the folds of a history so far. */
function possibility(stored: readonly string[], erased: boolean, shared: readonly string[]): (user: UserHistory) => boolean {
  const counted = new Set(shared)
  return ({ folded, shared: events }) => {
    const newest = events.at(-1)
    const isCounted = !newest || counted.has(`${startOf(newest)} ${newest.id}`)
    return isCounted && (erased || folded.at(-1)?.id === stored[folded.length - 1])
  }
}

function unexplained(name: string, log: Environment['log'], stores: Stores): Verdict {
  const [history] = histories(log, limits, { deploys: true, wasQuarantined: () => false }, () => true)
  if (!history) throw new Error('A log without a history.')
  return { history, violations: [`no decisions on the records of user ${name} lead to ${stateIds(name, stores)}`] }
}

const stateIds = (name: string, { users }: Stores): string[] =>
  (users.get(name)?.states['last-r1'] as { ids: string[] } | undefined)?.ids ?? []

function judgeStates(name: string, { folded, late }: UserHistory, stores: Stores): string[] {
  const violations: string[] = []
  const ids = stateIds(name, stores)
  if (!same(ids, idsOf(folded))) violations.push(`user ${name} holds ${ids}, expected ${idsOf(folded)}`)
  const item = stores.users.get(name)
  if (item && item.late !== late) violations.push(`user ${name} counts ${item.late} late, expected ${late}`)
  const document = folded.length > 0 ? { user: name, ids: idsOf(folded), n: folded.length } : undefined
  const shown = stores.documents.get(`last-r1|${name}`)
  if (!same(shown, document)) violations.push(`document of user ${name} is ${JSON.stringify(shown)}`)
  for (const revision of [1, 2]) violations.push(...judgeTyped(name, revision, folded.length, stores))
  return violations
}

/** An event is in its window or in a quarantined delta of it. Of an event that was folded twice, either one may be there. */
function expectedSums(events: readonly SimEvent[], unmerged: readonly string[], item: PartItem | undefined) {
  const merged = [...events]
  for (const id of unmerged) {
    const at = merged.findLastIndex(event => event.id === id)
    if (at >= 0) merged.splice(at, 1)
  }
  const ids = idsOf(merged)
  const stored = item ? readSums(item.state).ids : []
  const isSameInOtherOrder =
    unmerged.length > 0 && new Set(idsOf(events)).size < events.length && same([...ids].sort(), [...stored].sort())
  return { ids: isSameInOtherOrder ? stored : ids, sum: merged.reduce((sum, { data }) => sum + data.value, 0) }
}

/**
 * The windows of the projection that the deployment brings contain what the new code folded, so every event on which the old
 * code throws, and no event that is not folded.
 */
function judgeFresh(name: string, { windows }: UserHistory, stores: Stores, expired: boolean): string[] {
  return [...windows].flatMap(([start, events]) => {
    const key = `${name}|${start}`
    const item = stores.freshWindows.get(key)
    const ids = (item?.state ?? []) as readonly string[]
    const foldedByNew = events?.filter(({ data }) => data.poison) ?? []
    const missing = item || !expired ? foldedByNew.filter(({ id }) => !ids.includes(id)) : []
    const surplus = ids.filter(id => !events?.some(event => event.id === id))
    const shown = stores.documents.get(`fresh-r1|${name}#${windowText(start)}`)
    const isShown = !item || same(shown, { user: name, start, ids })
    return [
      ...missing.map(({ id }) => `${id} is in no window of the deployed projection`),
      ...surplus.map(id => `${id} is in window ${key} of the deployed projection, but not folded`),
      ...(isShown ? [] : [`document of the deployed window ${key} is ${JSON.stringify(shown)}`]),
    ]
  })
}

/** A projection of which two revisions run at once. Its states are of every JSON type. */
function judgeTyped(name: string, revision: number, events: number, { users, documents }: Stores): string[] {
  const key = `typed-r${revision}`
  const text = events > 0 ? JSON.stringify(typedState(revision, events)) : undefined
  const stored = JSON.stringify(users.get(name)?.states[key])
  const document = documents.get(`${key}|${name}`)
  return [
    ...(stored === text ? [] : [`${key} of user ${name} is ${stored}, expected ${text}`]),
    ...(same(document, text && { user: name, text }) ? [] : [`document of ${key} of ${name} is ${JSON.stringify(document)}`]),
  ]
}

function judgeWindows(name: string, { windows }: UserHistory, stores: Stores, expired: boolean): string[] {
  const violations: string[] = []
  for (const [start, events] of windows) {
    const key = `${name}|${start}`
    const want = events && expectedSums(events, stores.unmerged.get(key) ?? [], stores.windows.get(key))
    const item = stores.windows.get(key)
    const state = item && readSums(item.state)
    if (state && !want) violations.push(`window ${key} survived an erasure`)
    if (state && want && !same({ ids: state.ids, sum: state.sum }, want))
      violations.push(`window ${key} holds ${state.ids} and ${state.sum}, expected ${want.ids} and ${want.sum}`)
    if (!item && want && !expired) violations.push(`window ${key} is missing`)
    const document = stores.documents.get(`sums-r1|${name}#${windowText(start)}`)
    const expected = want && { user: name, start, ...want }
    if (!same(document, expected))
      violations.push(`document of window ${key} is ${JSON.stringify(document)}, expected ${JSON.stringify(expected)}`)
  }
  return violations
}

function judgeShared(name: string, history: UserHistory, shared: readonly string[]): string[] {
  const expected = history.shared.map(event => `${startOf(event)} ${event.id}`).sort()
  return same(shared, expected) ? [] : [`windows over all users hold ${shared} of user ${name}, expected ${expected}`]
}

/**
 * An event whose last decision is a rejection is in quarantine. What else is there was rejected at some time: with replays it may
 * have left since.
 */
function judgeQuarantine(
  name: string,
  ids: ReadonlySet<string>,
  { rejected, missing }: UserHistory,
  { quarantined }: Stores,
  { conditions }: Environment,
): string[] {
  const mine = [...quarantined].filter(key => ids.has(key.split(' ')[0] ?? ''))
  const required = conditions.replays ? [...missing].map(([id, code]) => `${id} ${code}`) : [...rejected]
  const absent = required.filter(key => !quarantined.has(key))
  const surplus = mine.filter(key => !rejected.has(key))
  return [
    ...absent.map(key => `${key} of user ${name} is neither folded nor quarantined`),
    ...surplus.map(key => `${key} of user ${name} is quarantined, but no decision rejects it`),
  ]
}

function judgeCountries(shared: ReadonlyMap<string, readonly SimEvent[]>, { documents }: Stores): string[] {
  const events = [...shared].flatMap(([user, folded]) => folded.map(event => ({ user, event, start: startOf(event) })))
  return [...Map.groupBy(events, ({ start }) => start)].flatMap(([start, inWindow]) => {
    const countries: Record<string, number> = {}
    for (const { event } of inWindow) countries[event.data.country] = (countries[event.data.country] ?? 0) + 1
    const expected = {
      start,
      ids: inWindow.map(({ event }) => event.id).sort(),
      users: new Set(inWindow.map(({ user }) => user)).size,
      countries: sorted(countries),
    }
    const document = documents.get(`countries-r1|${windowText(start)}`)
    return same(document, expected)
      ? []
      : [`document of all users' window ${start} is ${JSON.stringify(document)}, expected ${JSON.stringify(expected)}`]
  })
}
