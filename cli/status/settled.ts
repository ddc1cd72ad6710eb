import { type Projection, projectionKey } from '../../shared/projection.ts'
import { documentId, indexOf } from '../../shared/search-index.ts'
import { userHash } from '../../shared/state.ts'
import {
  type ExpectedDocument,
  type Identity,
  type QuarantinedRefs,
  quarantinedRef,
  refText,
  type StateFacts,
  type StreamFacts,
  type StreamRecord,
} from './facts.ts'

/** What `status --json` prints. */
export interface Status {
  /** Every accepted event is folded, archived and shown by documents of the newest version. */
  readonly settled: boolean
  readonly accepted: number
  readonly folded: number
  readonly archived: number
  /** Documents that stand in OpenSearch with the version of their state, and those of raw events. */
  readonly indexed: number
  readonly quarantined: number
}

/** Distinct events in the stream or the archive. */
export function countAccepted(stream: StreamFacts, archived: ReadonlySet<Identity>): number {
  let onlyInStream = 0
  for (const identity of stream.deliveries.keys()) if (!archived.has(identity)) onlyInStream += 1
  return onlyInStream + archived.size
}

/** Distinct events that the state function has passed; what the stream no longer holds has been passed long ago. */
export function countFolded(stream: StreamFacts, archived: ReadonlySet<Identity>, state: StateFacts): number {
  let folded = 0
  for (const { user, shard, sequenceNumber } of stream.deliveries.values()) {
    const passed = [state.passed.get(shard), user === null ? undefined : state.users.get(user)?.sequenceNumber]
    if (passed.some(reached => reached !== undefined && BigInt(sequenceNumber) <= BigInt(reached))) folded += 1
  }
  for (const identity of archived) if (!stream.deliveries.has(identity)) folded += 1
  return folded
}

/**
 * True when every window holds what the stream's events add to it. The order numbers follow from the stream: each of a user's
 * records has the greater of its arrival in microseconds and one more than the record before.
 */
export function windowsAreComplete(stream: StreamFacts, state: StateFacts, aside: QuarantinedRefs): boolean {
  const reached = reachedOrders(state)
  for (const [user, records] of stream.recordsOf) {
    const item = state.users.get(user)
    if (!item) return false
    // Events later than the stage's bound are in no window, and only the stage knows which those are.
    if (item.late > 0) continue
    for (const [window, order] of expectedOrders(records, aside))
      if (order > item.erasedOrder && (reached.get(window) ?? 0) < order) return false
  }
  return true
}

function expectedOrders(records: readonly StreamRecord[], aside: QuarantinedRefs): Map<string, number> {
  const orders = new Map<string, number>()
  let order = 0
  for (const { received, windows } of records.toSorted((a, b) =>
    BigInt(a.sequenceNumber) < BigInt(b.sequenceNumber) ? -1 : 1,
  )) {
    order = Math.max(order + 1, received * 1000)
    for (const [window, identities] of windows)
      if (identities.some(identity => !isQuarantined(identity, aside))) orders.set(window, order)
  }
  return orders
}

function isQuarantined(identity: Identity, aside: QuarantinedRefs): boolean {
  if (aside.size === 0) return false
  const [, type, id] = JSON.parse(identity) as [string, string, string]
  return aside.has(quarantinedRef(type, id))
}

/** How far each user's part of each window has come; users of a slot are known by their hash only. */
function reachedOrders(state: StateFacts): Map<string, number> {
  const reached = new Map(state.windows.map(window => [refText(window), window.version]))
  const users = new Map([...state.users.keys()].map(user => [userHash(user), user]))
  for (const { projection, start, users: orders } of state.slots)
    for (const [hash, order] of orders) reached.set(refText({ user: users.get(hash) ?? '', projection, start }), order)
  return reached
}

/** The documents that the state calls for, but for those that OpenSearch refused. */
export function expectedDocuments(
  state: StateFacts,
  projections: readonly Projection[],
  refused: QuarantinedRefs,
): ExpectedDocument[] {
  const ofUsers = [...state.users.values()].flatMap(({ user, version, states }) =>
    projections
      .filter(projection => projection.scope === 'user' && states[projectionKey(projection)] !== undefined)
      .map(projection => ({ index: indexOf(projection), id: documentId(user, null), version })),
  )
  const ofWindows = state.windows
    .filter(({ user, version }) => version > (state.users.get(user)?.erasedOrder ?? 0))
    .map(({ user, projection, start, version }) => ({ index: projection, id: documentId(user, start), version }))
  const slots = Map.groupBy(state.slots, ({ projection, start }) => refText({ user: '', projection, start }))
  const ofSlots = [...slots.values()].flatMap(([first, ...rest]) =>
    first
      ? [
          {
            index: first.projection,
            id: documentId(null, first.start),
            version: rest.reduce((sum, { version }) => sum + version, first.version),
          },
        ]
      : [],
  )
  const kept = new Set(projections.map(indexOf))
  return [...ofUsers, ...ofWindows, ...ofSlots].filter(
    ({ index, id }) => kept.has(index) && !refused.has(quarantinedRef(index, id)),
  )
}
