import type { PartItem, UserItem } from '../../shared/state.ts'
import type { Code } from './code.ts'
import type { Environment } from './environment.ts'
import { readSums } from './projections.ts'

/** What the stores contain at the end of a run. */
export interface Stores {
  readonly users: ReadonlyMap<string, UserItem>
  /** The windows of users, by `user|start`. */
  readonly windows: ReadonlyMap<string, PartItem>
  /** By `index|id`; undefined: deleted. */
  readonly documents: ReadonlyMap<string, Readonly<Record<string, unknown>> | undefined>
  /** Quarantined events, as `id code`. */
  readonly quarantined: ReadonlySet<string>
  /** The ids in the quarantined deltas of `sums` since the user's erasure, by `user|start`. */
  readonly unmerged: ReadonlyMap<string, readonly string[]>
  /** The windows of users that the deployment brings, by `user|start`. */
  readonly freshWindows: ReadonlyMap<string, PartItem>
}

export function storesOf(environment: Environment, code: Code): Stores {
  const items = environment.items()
  const parts = items.filter(code.items.isPartItem)
  const isSums = ({ projection }: PartItem): boolean => projection === 'sums-r1'
  const users = new Map(items.filter(code.items.isUserItem).map(item => [item.user, item]))
  const isCurrent = ({ projection, user, ord }: Unmerged): boolean =>
    projection === 'sums-r1' && ord > (users.get(user)?.erasedOrder ?? 0)
  return {
    users,
    windows: new Map(parts.filter(isSums).map(item => [windowKey(item), item])),
    documents: new Map([...environment.index.entries].map(([key, { document }]) => [key, document])),
    quarantined: new Set(environment.invocations.quarantined.keys()),
    unmerged: unmergedIds([...environment.invocations.unmerged].map(body => JSON.parse(body)).filter(isCurrent)),
    freshWindows: new Map(parts.filter(({ projection }) => projection === 'fresh-r1').map(item => [windowKey(item), item])),
  }
}

const windowKey = ({ user, start }: { readonly user?: string | undefined; readonly start: number }): string => `${user}|${start}`

/** The body of a quarantined delta. */
interface Unmerged {
  readonly projection: string
  readonly user: string
  readonly start: number
  readonly ord: number
  readonly state: unknown
}

const unmergedIds = (deltas: readonly Unmerged[]): Map<string, string[]> =>
  new Map([...Map.groupBy(deltas, windowKey)].map(([key, each]) => [key, each.flatMap(({ state }) => [...readSums(state).ids])]))

export const windowText = (start: number): string => `${new Date(start * 1000).toISOString().slice(0, 19)}Z`

/** The ids of a user's events in the documents of windows over all users, as `start id`. */
export function sharedIds({ documents }: Stores, isOfUser: (id: string) => boolean): string[] {
  return [...documents]
    .filter(([key]) => key.startsWith('countries-r1|'))
    .flatMap(([, document]) => ((document?.['ids'] ?? []) as string[]).map(id => ({ id, start: document?.['start'] })))
    .flatMap(({ id, start }) => (isOfUser(id) ? [`${start} ${id}`] : []))
    .sort()
}
