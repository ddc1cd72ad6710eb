import type { Event } from '../../shared/event.ts'
import type { SlotItem, UserItem, WindowItem } from '../../shared/state.ts'

/** An identity as text: source, type and id. */
export type Identity = string
export const identityOf = ({ source, type, id }: Pick<Event, 'source' | 'type' | 'id'>): Identity =>
  JSON.stringify([source, type, id])

/** A window of a projection (by its key), of one user or, for windows over all users, of one user's share in it. */
export interface WindowRef {
  readonly user: string
  readonly projection: string
  /** Epoch seconds. */
  readonly start: number
}
export const refText = ({ user, projection, start }: WindowRef): string => JSON.stringify([user, projection, start])

/** The first delivery of an identity that the stream still holds. */
export interface Delivery {
  readonly identity: Identity
  readonly user: string | null
  readonly shard: string
  readonly sequenceNumber: string
  /** Where its own document must stand; undefined where its type gets none. */
  readonly raw: { readonly index: string; readonly id: string } | undefined
}

/** A record of the stream: the identities that it was the first to bring, by the windows they belong to. */
export interface StreamRecord {
  readonly sequenceNumber: string
  /** Milliseconds since 1970. */
  readonly received: number
  readonly windows: ReadonlyMap<string, readonly Identity[]>
}

/** What the stream holds. */
export interface StreamFacts {
  readonly deliveries: ReadonlyMap<Identity, Delivery>
  readonly recordsOf: ReadonlyMap<string, readonly StreamRecord[]>
}

/** What the state table holds. */
export interface StateFacts {
  readonly users: ReadonlyMap<string, UserItem>
  readonly windows: readonly WindowItem[]
  readonly slots: readonly SlotItem[]
  /** The last sequence number passed, by shard. */
  readonly passed: ReadonlyMap<string, string>
}

/** What was put aside after it was accepted: events that a projection could not fold (type and id), or documents (index and id). */
export type QuarantinedRefs = ReadonlySet<string>
export const quarantinedRef = (type: string | null, id: string | null): string => JSON.stringify([type, id])

/** A document as it must stand in OpenSearch. */
export interface ExpectedDocument {
  readonly index: string
  readonly id: string
  readonly version: number
}
