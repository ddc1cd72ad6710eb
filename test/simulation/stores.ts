import { isNoted, leastExpiry } from '../../shared/grains/merge.ts'
import type { StoredQuarantinedEvent } from '../../shared/quarantine.ts'
import type { PartItem, RetiredDelta, UserItem } from '../../shared/state.ts'
import { parseUnmerged, type UnmergedDelta } from '../../shared/unmerged-delta.ts'
import type { Code } from './code.ts'
import { limits, RETENTION_MS } from './conditions.ts'
import type { Environment } from './environment.ts'
import { readSums, WINDOW_SECONDS } from './projections.ts'

/** What the stores contain at the end of a run. */
export interface Stores {
  readonly users: ReadonlyMap<string, UserItem>
  /** The windows of users, by `user|start`. */
  readonly windows: Windows
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
  /** The events in the slots of `countries`, as `start id`; those that expired included. */
  readonly slotIds: readonly string[]
  /** The windows of users that the deployment brings, by `user|start`. */
  readonly freshWindows: Windows
  /**
   * The ids in the deltas of the projection that the deployment brings which no function merged: they are stored, or quarantined
   * and their windows have expired.
   */
  readonly retired: ReadonlySet<string>
}

/** Windows of users, by `user|start`. */
interface Windows {
  readonly current: ReadonlyMap<string, PartItem>
  /** Windows that expired, as they were last. */
  readonly expired: ReadonlyMap<string, PartItem>
}

/** The events and the drawn number in the quarantined deltas of one window. */
interface Unmerged {
  readonly ids: readonly string[]
  readonly draw: number
}

export function storesOf(environment: Environment, code: Code): Stores {
  const { index, quarantine } = environment
  const items = environment.items()
  const current = items.filter(code.items.isPartItem)
  const expired = environment.expiredItems().filter(code.items.isPartItem)
  const windowsOf = (projection: string): Windows => ({
    current: byWindow(current, projection),
    expired: byWindow(expired, projection),
  })
  const users = new Map(items.filter(code.items.isUserItem).map(item => [item.user, item]))
  const quarantined = quarantine.events()
  const deltas = quarantined.filter(isMissing([...current, ...expired], environment)).map(({ body }) => parseUnmerged(body))
  const rejectedEver = [...quarantine.everUnmerged].map(parseUnmerged)
  const ofSums = deltas.filter(({ projection }) => projection === 'sums-r1')
  const sums = ofSums.filter(({ user, order }) => order > (users.get(user)?.erasedOrder ?? 0))
  const shared = deltas.filter(({ projection }) => projection === 'countries-r1')
  return {
    users,
    windows: windowsOf('sums-r1'),
    documents: new Map([...index.entries].map(([key, { document }]) => [key, document])),
    quarantined: new Set(quarantined.filter(isEvent).map(({ id }) => id)),
    unmerged: new Map([...Map.groupBy(sums, windowKey)].map(([key, each]) => [key, unmergedOf(each)])),
    reordered: new Set(rejectedEver.filter(({ projection }) => projection === 'sums-r1').map(windowKey)),
    unmergedShared: new Map([...Map.groupBy(shared, ({ user }) => user)].map(([user, each]) => [user, each.flatMap(idsIn)])),
    slotIds: [...current, ...expired].filter(({ projection }) => projection === 'countries-r1').flatMap(idsIn),
    freshWindows: windowsOf('fresh-r1'),
    retired: new Set(
      [...retiredDeltas(environment), ...deltas.filter(isOfExpired(environment))].flatMap(({ state }) => state as string[]),
    ),
  }
}

const byWindow = (parts: readonly PartItem[], key: string): Map<string, PartItem> =>
  new Map(parts.filter(({ projection }) => projection === key).map(item => [windowKey(item), item]))

/** Whether a quarantined delta is missing in its window. A replay that broke off may have merged it and struck it out. */
const isMissing =
  (parts: readonly PartItem[], { replayedKeys }: Environment) =>
  ({ code, key, body }: StoredQuarantinedEvent): boolean => {
    if (code !== 'not_merged') return false
    if (!replayedKeys.has(key)) return true
    const delta = parseUnmerged(body)
    if (delta.projection === 'fresh-r1') return true
    const noted = parts.filter(({ projection, start }) => projection === delta.projection && start === delta.start)
    return noted.some(({ user = delta.user, passedOver }) => user === delta.user && isNoted(passedOver, delta))
  }

/** Whether a delta belongs to a window of the projection that the deployment brings, and the window may have expired. */
const isOfExpired =
  ({ now }: Environment) =>
  ({ projection, start }: UnmergedDelta): boolean => {
    const ttl = leastExpiry(start + WINDOW_SECONDS, { latenessMs: limits.latenessMs, retentionMs: RETENTION_MS })
    return projection === 'fresh-r1' && ttl !== undefined && ttl * 1000 < now
  }

const isEvent = ({ code }: { readonly code: string }): boolean => code !== 'not_merged' && code !== 'document_refused'

const windowKey = ({ user, start }: { readonly user?: string | undefined; readonly start: number }): string => `${user}|${start}`

const unmergedOf = (deltas: readonly UnmergedDelta[]): Unmerged => ({
  ids: deltas.flatMap(({ state }) => readSums(state).ids),
  draw: deltas.reduce((sum, { state }) => sum + readSums(state).draw, 0),
})

const idsIn = ({ start, state }: { readonly start: number; readonly state: unknown }): string[] =>
  (state as { readonly ids: readonly string[] }).ids.map(id => `${start} ${id}`)

/** The deltas that are stored for a roll-back or a deployment, or were until they expired. */
const retiredDeltas = ({ expired, table }: Environment): RetiredDelta[] =>
  [...expired.values(), ...table.items.values()].flatMap(({ pk, delta }) =>
    pk?.S === 'retired#fresh-r1' ? [JSON.parse(delta?.S ?? '')] : [],
  )

export const windowText = (start: number): string => `${new Date(start * 1000).toISOString().slice(0, 19)}Z`

/** The events of a user in the windows over all users, as `start id`. */
export const sharedIds = ({ slotIds }: Stores, isOfUser: (id: string) => boolean): string[] =>
  slotIds.filter(key => isOfUser(key.split(' ')[1] ?? '')).sort()

/** The list less one occurrence for each in the other list. */
export function without<T>(list: readonly T[], other: readonly T[]): T[] {
  const left = [...list]
  for (const each of other) {
    const at = left.lastIndexOf(each)
    if (at >= 0) left.splice(at, 1)
  }
  return left
}
