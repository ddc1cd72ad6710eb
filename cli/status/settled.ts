import { partsOfKind } from '../../shared/grains/grains.ts'
import { bySequenceNumber, nextOrder } from '../../shared/order.ts'
import { type Projection, projectionKey } from '../../shared/projection.ts'
import { indexOf } from '../../shared/search-index.ts'
import { type PartItem, type UserItem, userHash } from '../../shared/state.ts'
import {
  documentText,
  type ExpectedDocument,
  type Identity,
  projectionIn,
  type RejectedDocuments,
  refText,
  type StateFacts,
  type StreamFacts,
  type StreamRecord,
} from './facts.ts'

/** The output of `status --json`. */
export interface Status {
  /** True if every accepted event is folded, archived and in documents of the newest version. */
  readonly settled: boolean
  readonly accepted: number
  readonly folded: number
  readonly archived: number
  /** Documents that OpenSearch holds in the version of their state, and documents of raw events. */
  readonly indexed: number
  readonly quarantined: number
}

/** Distinct events in the stream or the archive. */
export function countAccepted(stream: StreamFacts, archived: ReadonlySet<Identity>): number {
  let onlyInStream = 0
  for (const identity of stream.deliveries.keys()) if (!archived.has(identity)) onlyInStream += 1
  return onlyInStream + archived.size
}

/** Distinct events that the state function has processed. Archived events that expired from the stream were processed before. */
export function countFolded(stream: StreamFacts, archived: ReadonlySet<Identity>, state: StateFacts): number {
  let folded = 0
  for (const { user, shard, sequenceNumber } of stream.deliveries.values()) {
    const passed = [state.passed.get(shard), user === null ? undefined : state.users.get(user)?.sequenceNumber]
    if (passed.some(last => last !== undefined && bySequenceNumber(sequenceNumber, last) <= 0)) folded += 1
  }
  for (const identity of archived) if (!stream.deliveries.has(identity)) folded += 1
  return folded
}

/**
 * True if every window contains the stream's events. The order number of each record is computed from the stream as the state
 * function does, and each window must have reached the order number of the last record that adds to it.
 */
export function windowsAreComplete(stream: StreamFacts, state: StateFacts, unfolded: ReadonlySet<Identity>): boolean {
  const reached = reachedOrders(state)
  for (const [user, all] of stream.recordsOf) {
    const records = all.filter(record => record.projections.some(key => isFoldedWith(key, record, state)))
    if (records.length === 0) continue
    const item = state.users.get(user)
    if (!item) return false
    // Events later than the stage's lateness bound are in no window, and the item does not record which events these are.
    if (item.late > 0) continue
    for (const [window, order] of expectedOrders(records, state, unfolded))
      if (order > item.erasedOrder && (reached.get(window) ?? 0) < order) return false
  }
  return true
}

/** The order number of the last record that adds to each window, for the records of one user. */
function expectedOrders(
  records: readonly StreamRecord[],
  state: StateFacts,
  unfolded: ReadonlySet<Identity>,
): Map<string, number> {
  const orders = new Map<string, number>()
  let order = 0
  for (const record of records.toSorted((a, b) => bySequenceNumber(a.sequenceNumber, b.sequenceNumber))) {
    order = nextOrder(order, record.received)
    for (const [window, identities] of record.windows)
      if (isFoldedWith(projectionIn(window), record, state) && identities.some(identity => !unfolded.has(identity)))
        orders.set(window, order)
  }
  return orders
}

/** Whether a record was folded with a projection, or will be: the projection may have been deployed after it. */
function isFoldedWith(projection: string, { shard, sequenceNumber }: StreamRecord, { firstFolded }: StateFacts): boolean {
  const note = firstFolded.get(shard)
  const first = note?.[projection]
  return note === undefined || (first !== undefined && bySequenceNumber(first, sequenceNumber) <= 0)
}

/** The last order number in each user's part of each window. Items may contain only hashes of users. */
function reachedOrders({ users, parts }: StateFacts): Map<string, number> {
  const known = new Map([...users.keys()].map(user => [userHash(user), user]))
  const reached = new Map<string, number>()
  for (const item of parts)
    for (const [hash, order] of partsOfKind(item.kind)?.mergedOrders(item) ?? [])
      reached.set(refText({ user: known.get(hash) ?? '', projection: item.projection, start: item.start }), order)
  return reached
}

/** The documents of all states, except those that OpenSearch rejected. */
export function expectedDocuments(
  state: StateFacts,
  projections: readonly Projection[],
  rejected: RejectedDocuments,
): ExpectedDocument[] {
  return projections
    .flatMap(projection =>
      documentSets(state, projection).flatMap(items => {
        const ref = projection.grain.documentRef(projection, items)
        return ref ? [{ index: indexOf(projection), ...ref }] : []
      }),
    )
    .filter(({ index, id }) => !rejected.has(documentText(index, id)))
}

/** The items of a projection, grouped by the document that they are the state of. Erased items have none. */
function documentSets({ users, parts }: StateFacts, projection: Projection): (readonly (UserItem | PartItem)[])[] {
  const ofGrain = projection.grain.parts
  if (!ofGrain) return [...users.values()].map(item => [item])
  const mine = parts.filter(item => item.kind === ofGrain.kind && item.projection === projectionKey(projection))
  const shown = mine.filter(({ user, version }) => user === undefined || version > (users.get(user)?.erasedOrder ?? 0))
  return [...Map.groupBy(shown, item => JSON.stringify(ofGrain.siblings(item) ?? ofGrain.itemKey(item))).values()]
}
