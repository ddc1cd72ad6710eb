import type { Environment } from './environment.ts'
import { idsOf, isRefused, same } from './judge-windows.ts'
import { type SimEvent, startOf, type UserHistory } from './oracle.ts'
import { sorted } from './projections.ts'
import { type Stores, windowText, without } from './stores.ts'

const keyOf = (event: SimEvent): string => `${startOf(event)} ${event.id}`

/** The windows over all users contain the user's events, except those in quarantined deltas. */
export function judgeShared(name: string, history: UserHistory, shared: readonly string[], stores: Stores): string[] {
  const expected = without(history.shared.map(keyOf), stores.unmergedShared.get(name) ?? []).sort()
  return same(shared, expected) ? [] : [`windows over all users hold ${shared} of user ${name}, expected ${expected}`]
}

export function judgeCountries(
  shared: ReadonlyMap<string, readonly SimEvent[]>,
  stores: Stores,
  environment: Environment,
): string[] {
  const merged = [...shared].flatMap(([user, events]) => mergedOf(user, events, stores))
  return [...Map.groupBy(merged, ({ start }) => start)].flatMap(([start, inWindow]) => {
    const countries: Record<string, number> = {}
    for (const { event } of inWindow) countries[event.data.country] = (countries[event.data.country] ?? 0) + 1
    const ids = idsOf(inWindow.map(({ event }) => event)).sort()
    const users = new Set(inWindow.map(({ user }) => user)).size
    const expected = { start, ids, users, countries: sorted(countries) }
    const key = `countries-r1|${windowText(start)}`
    const document = stores.documents.get(key)
    return same(document, expected) || isRefused(key, ids, environment)
      ? []
      : [`document of all users' window ${start} is ${JSON.stringify(document)}, expected ${JSON.stringify(expected)}`]
  })
}

/** The user's events that are in no quarantined delta. */
function mergedOf(user: string, events: readonly SimEvent[], { unmergedShared }: Stores) {
  const byId = new Map(events.map(event => [keyOf(event), event]))
  const left = without(events.map(keyOf), unmergedShared.get(user) ?? [])
  return left.flatMap(key => {
    const event = byId.get(key)
    return event ? [{ user, event, start: startOf(event) }] : []
  })
}
