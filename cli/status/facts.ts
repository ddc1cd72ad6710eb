import type { FirstFolded, PartItem, UserItem } from '../../shared/state.ts'

/** An event's identity as text, from `identityText`. */
export type Identity = string

/** One user's window of a projection. Of a window over all users: one user's part of it. */
interface WindowRef {
  readonly user: string
  /** The projection's key: name and revision. */
  readonly projection: string
  /** Epoch seconds. */
  readonly start: number
}
export const refText = ({ user, projection, start }: WindowRef): string => JSON.stringify([user, projection, start])
/** The projection in the text of a reference. */
export const projectionIn = (ref: string): string => (JSON.parse(ref) as [string, string, number])[1]

/** Index and id of a raw event's document. */
export interface RawDocumentRef {
  readonly index: string
  readonly id: string
}

/** The first delivery of an identity that the stream still holds. */
export interface Delivery {
  readonly identity: Identity
  readonly user: string | null
  readonly shard: string
  readonly sequenceNumber: string
  /** The document expected for the event; undefined if its type gets no documents, or if the document may have expired. */
  readonly raw: RawDocumentRef | undefined
}

/** A record of the stream: the identities that it was the first to deliver, grouped by window. */
export interface StreamRecord {
  readonly shard: string
  readonly sequenceNumber: string
  /** The keys of the projections that fold its events. */
  readonly projections: readonly string[]
  /** Milliseconds since 1970. */
  readonly received: number
  readonly windows: ReadonlyMap<string, readonly Identity[]>
}

/** The content of the stream. */
export interface StreamFacts {
  readonly deliveries: ReadonlyMap<Identity, Delivery>
  /** Records by user. */
  readonly recordsOf: ReadonlyMap<string, readonly StreamRecord[]>
}

/** The content of the state table. */
export interface StateFacts {
  readonly users: ReadonlyMap<string, UserItem>
  /** Windows of users and slots of windows over all users. */
  readonly parts: readonly PartItem[]
  /** The last sequence number that the state function processed, by shard. */
  readonly passed: ReadonlyMap<string, string>
  /** By shard: the first record that was folded with each projection. A shard without a note was folded with all. */
  readonly firstFolded: ReadonlyMap<string, FirstFolded>
}

/** Documents that OpenSearch rejected. */
export type RejectedDocuments = ReadonlySet<string>
export const documentText = (index: string | null, id: string | null): string => JSON.stringify([index, id])

/** A document that OpenSearch must hold, with its version. */
export interface ExpectedDocument {
  readonly index: string
  readonly id: string
  readonly version: number
}
