import type { Event } from '../shared/event.ts'
import { initialState, type Projection, projectionKey } from '../shared/projection.ts'
import type { PartItem, UserItem, WindowDelta } from '../shared/state.ts'
import { asStored } from '../shared/stored-json.ts'

/** Events that arrive together: those of one user are folded as one record. */
const EVENTS_PER_BATCH = 20

/** What a projection makes of a sample of events. */
interface SampleResult {
  /** The items with the states, by key. */
  readonly states: Readonly<Record<string, unknown>>
  /** A document that the projection cannot make is null. */
  readonly documents: Readonly<Record<string, unknown>>
  /** The events on which the projection throws. */
  readonly rejected: readonly string[]
}

interface Stores {
  readonly users: Map<string, UserItem>
  readonly parts: Map<string, PartItem>
  readonly rejected: string[]
}

/** Folds the events as the functions do, with deltas and windows, and makes all documents. */
export function foldSample(projection: Projection, events: readonly Event[]): SampleResult {
  const stores: Stores = { users: new Map(), parts: new Map(), rejected: [] }
  for (let at = 0; at < events.length; at += EVENTS_PER_BATCH) {
    const records = Map.groupBy(events.slice(at, at + EVENTS_PER_BATCH), ({ subject }) => subject ?? '')
    for (const [user, record] of records) foldRecord(projection, stores, user, record, at + 1)
  }
  const { users, parts, rejected } = stores
  const key = projectionKey(projection)
  const states = projection.grain.parts
    ? [...parts].map(([name, { state }]) => [name, state])
    : [...users].map(([user, item]) => [user, item.states[key]])
  return { states: Object.fromEntries(states), documents: documentsOf(projection, stores), rejected }
}

function foldRecord(projection: Projection, stores: Stores, user: string, events: readonly Event[], order: number): void {
  const key = projectionKey(projection)
  const item = stores.users.get(user) ?? emptyUser(user)
  let { states } = item
  const deltas = new Map<number, unknown>()
  for (const event of events) {
    try {
      const target = projection.grain.target(projection, event)
      if (target === undefined) continue
      const before = target === 'user state' ? states[key] : deltas.get(target.start)
      const folded = asStored(projection.fold(before ?? initialState(projection), event))
      projection.grain.rehearse(projection, folded, user)
      if (target === 'user state') states = { ...states, [key]: folded }
      else deltas.set(target.start, folded)
    } catch {
      stores.rejected.push(event.id)
    }
  }
  stores.users.set(user, { ...item, states, version: order })
  for (const [start, state] of deltas) mergeDelta(projection, stores, user, { projection: key, start, order, state })
}

function mergeDelta(projection: Projection, { parts, rejected }: Stores, user: string, delta: WindowDelta): void {
  const ofGrain = projection.grain.parts
  if (!ofGrain) return
  const address = ofGrain.addressOf(projection, user, delta.start)
  const key = JSON.stringify(ofGrain.itemKey(address))
  const lifetime = { latenessMs: undefined, retentionMs: 0 }
  const merged = ofGrain.merge(projection, parts.get(key), { address, deltas: [{ ...delta, user, erasedOrder: 0 }], lifetime })
  if (!merged) return
  parts.set(key, merged.item)
  rejected.push(...merged.rejections.map(({ start, order }) => `${user}#${start}#${order}`))
}

function documentsOf(projection: Projection, { users, parts }: Stores): Record<string, unknown> {
  const ofGrain = projection.grain.parts
  const sets = ofGrain
    ? [...Map.groupBy(parts.values(), item => JSON.stringify(ofGrain.siblings(item) ?? ofGrain.itemKey(item))).values()]
    : [...users.values()].map(item => [item])
  const documents = sets.flatMap(items => {
    const ref = projection.grain.documentRef(projection, items)
    return ref ? [[ref.id, documentOf(projection, items)]] : []
  })
  return Object.fromEntries(documents)
}

function documentOf(projection: Projection, items: readonly (UserItem | PartItem)[]): unknown {
  try {
    return projection.grain.document(projection, items)
  } catch {
    return null
  }
}

const emptyUser = (user: string): UserItem => ({
  user,
  version: 0,
  sequenceNumber: '0',
  identities: new Uint8Array(),
  pages: new Uint8Array(),
  states: {},
  late: 0,
  erasedOrder: 0,
  outbox: [],
  passedOver: [],
})
