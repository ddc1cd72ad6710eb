import { isNoted } from '../../shared/grains/merge.ts'
import type { StoredQuarantinedEvent } from '../../shared/quarantine.ts'
import type { PartItem, RetiredDelta, UserItem } from '../../shared/state.ts'
import { parseUnmerged, type UnmergedDelta } from '../../shared/unmerged-delta.ts'
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
  /** The ids of quarantined events. */
  readonly quarantined: ReadonlySet<string | null>
  /** The quarantined deltas of `sums` since the user's erasure, by `user|start`. */
  readonly unmerged: ReadonlyMap<string, Unmerged>
  /** The windows of `sums` that ever rejected a delta, as `user|start`: a replayed delta is merged after newer ones. */
  readonly reordered: ReadonlySet<string>
  /** The events in the quarantined deltas of `countries`, by user, as `start id`. */
  readonly unmergedShared: ReadonlyMap<string, readonly string[]>
  /** The events in the slots of `countries`, as `start id`. */
  readonly slotIds: readonly string[]
  /** Starts of windows over all users whose document was refused, in a run in which items expired: their slots may be gone. */
  readonly forgotten: ReadonlySet<number>
  /** The windows of users that the deployment brings, by `user|start`. */
  readonly freshWindows: ReadonlyMap<string, PartItem>
  /** The ids in the stored deltas of the projection that the deployment brings, which no function merged. */
  readonly retired: ReadonlySet<string>
}

/** The events and the drawn number in the quarantined deltas of one window. */
interface Unmerged {
  readonly ids: readonly string[]
  readonly draw: number
}

export function storesOf(environment: Environment, code: Code): Stores {
  const { index, quarantine, table } = environment
  const items = environment.items()
  const parts = items.filter(code.items.isPartItem)
  const ofProjection = (key: string) => parts.filter(({ projection }) => projection === key)
  const users = new Map(items.filter(code.items.isUserItem).map(item => [item.user, item]))
  const quarantined = quarantine.events()
  const deltas = quarantined.filter(isMissing(parts, environment)).map(({ body }) => parseUnmerged(body))
  const rejectedEver = [...quarantine.everUnmerged].map(parseUnmerged)
  const ofSums = deltas.filter(({ projection }) => projection === 'sums-r1')
  const sums = ofSums.filter(({ user, order }) => order > (users.get(user)?.erasedOrder ?? 0))
  const shared = deltas.filter(({ projection }) => projection === 'countries-r1')
  return {
    users,
    windows: new Map(ofProjection('sums-r1').map(item => [windowKey(item), item])),
    documents: new Map([...index.entries].map(([key, { document }]) => [key, document])),
    quarantined: new Set(quarantined.filter(isEvent).map(({ id }) => id)),
    unmerged: new Map([...Map.groupBy(sums, windowKey)].map(([key, each]) => [key, unmergedOf(each)])),
    reordered: new Set(rejectedEver.filter(({ projection }) => projection === 'sums-r1').map(windowKey)),
    unmergedShared: new Map([...Map.groupBy(shared, ({ user }) => user)].map(([user, each]) => [user, each.flatMap(idsIn)])),
    slotIds: ofProjection('countries-r1').flatMap(idsIn),
    forgotten: forgottenStarts(environment),
    freshWindows: new Map(ofProjection('fresh-r1').map(item => [windowKey(item), item])),
    retired: new Set(retiredDeltas(table).flatMap(({ state }) => state as string[])),
  }
}

function forgottenStarts({ expired, quarantine }: Environment): Set<number> {
  const refused = expired ? [...quarantine.everRefused].filter(key => key.startsWith('countries-r1|')) : []
  return new Set(refused.map(key => Date.parse(key.slice(key.indexOf('|') + 1)) / 1000))
}

/** Whether a quarantined delta is missing in its window. A replay that broke off may have merged it and struck it out. */
const isMissing =
  (parts: readonly PartItem[], { expired, replayedKeys, index }: Environment) =>
  ({ code, key, body }: StoredQuarantinedEvent): boolean => {
    if (code !== 'not_merged') return false
    if (!replayedKeys.has(key)) return true
    const delta = parseUnmerged(body)
    if (delta.projection === 'fresh-r1') return true
    const noted = parts.filter(({ projection, start }) => projection === delta.projection && start === delta.start)
    if (noted.some(({ user = delta.user, passedOver }) => user === delta.user && isNoted(passedOver, delta))) return true
    if (!expired) return false
    const shown = [...index.entries].filter(([document]) => document.startsWith(`${delta.projection}|`))
    const ids = new Set(shown.flatMap(([, { document }]) => (document?.['ids'] ?? []) as string[]))
    return !readSums(delta.state).ids.every(id => ids.has(id))
  }

const isEvent = ({ code }: { readonly code: string }): boolean => code !== 'not_merged' && code !== 'document_refused'

const windowKey = ({ user, start }: { readonly user?: string | undefined; readonly start: number }): string => `${user}|${start}`

const unmergedOf = (deltas: readonly UnmergedDelta[]): Unmerged => ({
  ids: deltas.flatMap(({ state }) => readSums(state).ids),
  draw: deltas.reduce((sum, { state }) => sum + readSums(state).draw, 0),
})

const idsIn = ({ start, state }: { readonly start: number; readonly state: unknown }): string[] =>
  (state as { readonly ids: readonly string[] }).ids.map(id => `${start} ${id}`)

const retiredDeltas = ({ items }: Environment['table']): RetiredDelta[] =>
  [...items.values()].flatMap(({ pk, delta }) => (pk?.S === 'retired#fresh-r1' ? [JSON.parse(delta?.S ?? '')] : []))

export const windowText = (start: number): string => `${new Date(start * 1000).toISOString().slice(0, 19)}Z`

/** The events of a user in the windows over all users, as `start id`: in their documents, or in their slots, which may have expired. */
export function sharedIds({ documents, slotIds }: Stores, isOfUser: (id: string) => boolean): string[] {
  const shown = [...documents]
    .filter(([key]) => key.startsWith('countries-r1|'))
    .flatMap(([, document]) => ((document?.['ids'] ?? []) as string[]).map(id => `${document?.['start']} ${id}`))
  const isMine = (key: string): boolean => isOfUser(key.split(' ')[1] ?? '')
  const [a, b] = [shown.filter(isMine), slotIds.filter(isMine)]
  return [...a, ...without(b, a)].sort()
}

/** The list less one occurrence for each in the other list. */
export function without<T>(list: readonly T[], other: readonly T[]): T[] {
  const left = [...list]
  for (const each of other) {
    const at = left.lastIndexOf(each)
    if (at >= 0) left.splice(at, 1)
  }
  return left
}
