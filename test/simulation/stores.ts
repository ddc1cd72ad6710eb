import type { PartItem, UserItem } from '../../shared/state.ts'
import type { Code } from './code.ts'
import type { Environment } from './environment.ts'

/** What the stores contain at the end of a run. */
export interface Stores {
  readonly users: ReadonlyMap<string, UserItem>
  /** The windows of users, by `user|start`. */
  readonly windows: ReadonlyMap<string, PartItem>
  /** By `index|id`; undefined: deleted. */
  readonly documents: ReadonlyMap<string, Readonly<Record<string, unknown>> | undefined>
  /** Quarantined events, as `id code`. */
  readonly quarantined: ReadonlySet<string>
}

export function storesOf(environment: Environment, code: Code): Stores {
  const items = environment.items()
  const parts = items.filter(code.items.isPartItem)
  return {
    users: new Map(items.filter(code.items.isUserItem).map(item => [item.user, item])),
    windows: new Map(parts.filter(({ user }) => user !== undefined).map(item => [`${item.user}|${item.start}`, item])),
    documents: new Map([...environment.index.entries].map(([key, { document }]) => [key, document])),
    quarantined: new Set(environment.invocations.quarantined.keys()),
  }
}

export const windowText = (start: number): string => `${new Date(start * 1000).toISOString().slice(0, 19)}Z`

/** The ids of a user's events in the documents of windows over all users, as `start id`. */
export function sharedIds({ documents }: Stores, isOfUser: (id: string) => boolean): string[] {
  return [...documents]
    .filter(([key]) => key.startsWith('countries-r1|'))
    .flatMap(([, document]) => ((document?.['ids'] ?? []) as string[]).map(id => ({ id, start: document?.['start'] })))
    .flatMap(({ id, start }) => (isOfUser(id) ? [`${start} ${id}`] : []))
    .sort()
}
