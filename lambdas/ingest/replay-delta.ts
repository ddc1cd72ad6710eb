import type { PartAddress, PartGrain, WindowLifetime } from '../../shared/grain.ts'
import { isNoted } from '../../shared/grains/merge.ts'
import { byKey, type Projection } from '../../shared/projection.ts'
import { type Rejection, reject, rejections } from '../../shared/rejections.ts'
import { type ItemKey, type PartItem, type UserPage, userHash } from '../../shared/state.ts'
import type { UnmergedDelta } from '../../shared/unmerged-delta.ts'
import { redeliveryExpiry } from '../redelivery-expiry.ts'
import type { StateTable } from '../state/dynamodb.ts'
import { type PartTable, putPart, readPartWithPages } from '../state/dynamodb-parts.ts'
import { mayHaveExpired, WINDOW_EXPIRED } from '../window-expiry.ts'

const MAX_ATTEMPTS = 5

export interface ReplayDependencies {
  readonly table: PartTable & Pick<StateTable, 'readUser' | 'readLateness'>
  readonly projections: readonly Projection[]
  readonly lifetime: WindowLifetime
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Only report the result. */
  readonly dryRun: boolean
}

/** A delta with the item that it is merged into. */
interface Target {
  readonly delta: UnmergedDelta
  readonly projection: Projection
  readonly parts: PartGrain
  readonly address: PartAddress
  readonly key: ItemKey
}

/** An item as it was read. */
interface StoredItem {
  readonly stored: PartItem | undefined
  readonly pages: readonly UserPage[] | undefined
}

/**
 * Merges a delta into the item that passed it over. The item notes the order number of the delta until a conditional put merges
 * the delta and strikes the note out, so a second replay changes nothing. Returns why the delta must stay in the quarantine;
 * undefined if the item contains it or no longer needs it.
 */
export async function replayDelta(delta: UnmergedDelta, dependencies: ReplayDependencies): Promise<Rejection | undefined> {
  const projection = byKey(dependencies.projections).get(delta.projection)
  const parts = projection?.grain.parts
  if (!projection || !parts) return reject('not_merged', `The catalogue has no projection ${delta.projection} with windows.`)
  if (parts.ofOneUser && (await isErased(delta, dependencies))) return undefined
  const address = parts.addressOf(projection, delta.user, delta.start)
  const target: Target = { delta, projection, parts, address, key: parts.itemKey(address) }
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const result = await tryReplay(target, dependencies)
    if (result !== 'conflict') return result
  }
  return reject('unavailable', `Other writers changed the window in each of ${MAX_ATTEMPTS} attempts; replay the delta later.`)
}

async function isErased({ user, order }: UnmergedDelta, { table }: ReplayDependencies): Promise<boolean> {
  const item = await table.readUser(user)
  return item !== undefined && order <= item.erasedOrder
}

async function tryReplay(target: Target, dependencies: ReplayDependencies): Promise<Rejection | undefined | 'conflict'> {
  const { delta, projection, parts, key, address } = target
  const { table, dryRun, lifetime, now } = dependencies
  const { stored, pages } = await readPartWithPages(key, table)
  if (!stored || !isNoted(stored.passedOver, delta)) return withoutNote(target, { stored, pages }, dependencies)
  // A changed item writes the document of all its siblings, and TTL may have removed some of them.
  if (parts.siblings(address) && (await isExpired(target, dependencies))) return expired()
  const merged = parts.mergeNoted(projection, stored, { ...delta, erasedOrder: 0 }, { pages })
  if ('reason' in merged) return reject('not_merged', `${merged.reason} ${rejections.not_merged.help}`)
  if (dryRun) return undefined
  const kept = parts.ofOneUser ? { ...merged, item: keptForErasure(merged.item, lifetime, now()) } : merged
  return (await putPart({ key, stored }, kept, table)) === 'written' ? undefined : 'conflict'
}

/**
 * An erasure that is committed between the reads and the put is noticed only by the sweep, which deletes the item and thereby its
 * document. TTL would delete the item alone.
 */
const keptForErasure = (item: PartItem, { retentionMs }: WindowLifetime, now: number): PartItem =>
  item.ttl === undefined ? item : { ...item, ttl: Math.max(item.ttl, redeliveryExpiry(now, retentionMs)) }

/** What happens to a delta that its item does not note. */
async function withoutNote(target: Target, item: StoredItem, dependencies: ReplayDependencies): Promise<Rejection | undefined> {
  const { delta, projection } = target
  const last = lastOrder(target, item)
  // Nobody else has this order number, so the item contains the delta, although the window may have expired.
  if (delta.order === last && !item.stored?.passedOver?.needsRebuild) return undefined
  // The windows function may have quarantined it for the expiry, and have merged newer deltas into the item since.
  if (await isExpired(target, dependencies)) return expired()
  const isReached = delta.order <= last
  if (isReached ? item.stored?.passedOver?.needsRebuild : item.stored?.forgottenUsers !== undefined)
    return reject('not_merged', 'The window rejected more deltas than it notes; only a rebuild from the archive can complete it.')
  if (!isReached)
    return reject('unavailable', `The windows of ${projection.name} have not reached the delta yet; replay it later.`)
  // An earlier replay, or a later attempt of the windows function, has merged it.
  return undefined
}

const expired = (): Rejection => reject('not_merged', WINDOW_EXPIRED)

async function isExpired({ delta, projection }: Target, { table, lifetime, now }: ReplayDependencies): Promise<boolean> {
  return mayHaveExpired(projection, delta.start, { latenessOf: await table.readLateness(), lifetime, now: now() })
}

/** The order number of the user's last delta in the item; 0 if there is none. */
function lastOrder({ delta, parts }: Target, { stored, pages = [] }: StoredItem): number {
  const hash = userHash(delta.user)
  const inItem = stored ? [...parts.mergedOrders(stored)].filter(([user]) => user === hash).map(([, order]) => order) : []
  return Math.max(0, ...inItem, ...pages.map(({ users }) => users.get(hash) ?? 0))
}
