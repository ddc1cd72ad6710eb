import { createHash } from 'node:crypto'
import type { Rejection, RejectionCode } from './rejections.ts'
/** Where refused events of requests with very many of them wait, in the quarantine's bucket. */
export const REFUSED_PREFIX = 'refused/'
/** Where Lambda leaves the batches that a stream's reader never managed: its own choice of name. */
export const DISCARDED_PREFIX = 'aws/lambda/'
/** Where bodies lie that are too big for the table. */
export const BODIES_PREFIX = 'bodies/'

/** One event that is kept aside. Identical refused events (same key name, type and bytes) are one item with a count. */
export interface QuarantinedEvent {
  readonly code: RejectionCode
  readonly message: string
  /** Null when the refused text does not say. */
  readonly type: string | null
  readonly id: string | null
  readonly keyName: string
  /** Milliseconds since 1970; a replay keeps it. */
  readonly received: number
  /** `envelope`: JSON text of an envelope; `line`: a line of the stream; `text`: what was sent, for what is neither. */
  readonly form: 'envelope' | 'line' | 'text'
  readonly body: string
  /** How often it came; 1 where nothing is said. */
  readonly count?: number
}

export const quarantineKey = ({ keyName, type, body }: QuarantinedEvent): string =>
  createHash('sha256')
    .update(JSON.stringify([keyName, type, body]))
    .digest('hex')

export interface Quarantine {
  /** Keeps events aside; returns when all of them are stored, throws when one could not be. */
  add(events: readonly QuarantinedEvent[]): Promise<void>
}

/** Identical events once, with their count, in the order they first came. */
export function countDistinct(events: readonly QuarantinedEvent[]): QuarantinedEvent[] {
  const distinct = new Map<string, { event: QuarantinedEvent; count: number }>()
  for (const event of events) {
    // With lengths, so that nothing a client chooses can make two different events look alike; cheaper than a hash.
    const same = `${event.type?.length} ${event.keyName.length} ${event.type}${event.keyName}${event.body}`
    const known = distinct.get(same)
    if (known) known.count += event.count ?? 1
    else distinct.set(same, { event, count: event.count ?? 1 })
  }
  return [...distinct.values()].map(({ event, count }) => (count === 1 ? event : { ...event, count }))
}

/** An event as the quarantine holds it. */
export interface StoredQuarantinedEvent extends QuarantinedEvent {
  readonly key: string
  /** How often the same event came. */
  readonly count: number
}

/** What the quarantine's table tells of an event, without what was sent. */
export type QuarantineSummary = Omit<StoredQuarantinedEvent, 'form' | 'body'>

/** One row of GET /v1/quarantine. */
export interface QuarantineRow extends Omit<QuarantineSummary, 'received'> {
  /** RFC 3339. */
  readonly received: string
  /** The first characters of the body. Null for a large body, which is stored in the bucket. */
  readonly sample: string | null
}

/** Which kept events to replay, by their keys. */
export interface ReplayRequest {
  readonly keys: readonly string[]
  /** Judge only; change nothing. */
  readonly dryRun?: boolean
}

/** What became, or would become, of one kept event. */
export type ReplayOutcome =
  | { readonly key: string; readonly replayed: true }
  | ({ readonly key: string; readonly replayed: false } & Pick<Rejection, 'code' | 'message'>)
