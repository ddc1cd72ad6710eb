import { createHash } from 'node:crypto'
import { redactKeys } from './redact-keys.ts'
import type { Rejection, RejectionCode } from './rejections.ts'

/**
 * Prefix in the quarantine's bucket of events that wait to be collected, from requests with too many rejected events for the
 * table.
 */
export const UNCOLLECTED_PREFIX = 'refused/'
/** Prefix in the quarantine's bucket of batches that Lambda discarded after all retries. Lambda defines this name. */
export const DISCARDED_PREFIX = 'aws/lambda/'
/** Prefix in the quarantine's bucket of bodies that are too large for the table. */
export const BODIES_PREFIX = 'bodies/'
/** Prefix in the quarantine's bucket of bundles: the events of a request with many rejected ones. */
export const BUNDLES_PREFIX = 'bundles/'

const SAMPLE_CHARACTERS = 500

/** One quarantined event. Events with the same key name, type and body are one item with a count. */
export interface QuarantinedEvent {
  readonly code: RejectionCode
  readonly message: string
  /**
   * The type of the event, null if it is not known. For a document, its index; for unread changes, the reader that missed them:
   * `documents` or `windows`.
   */
  readonly type: string | null
  readonly id: string | null
  /** The subject of an event that was accepted: with source, type and id its identity. Absent if it never was. */
  readonly subject?: string | null
  /** The name of the key, or the source of an event that was accepted. */
  readonly keyName: string
  /** The id of the key. Absent if it is not known. */
  readonly keyId?: string
  /** The source of all events of the key, if it is a client key. */
  readonly clientSource?: string
  /** When the server received the event: milliseconds since 1970. A replay does not change it. */
  readonly received: number
  /** 0-based position in the request or the record. Orders the replay of events that were received together; 0 if absent. */
  readonly position?: number
  /**
   * What `body` is: `envelope` is the JSON of an envelope, `line` a line of the stream, `text` anything else, as it was sent;
   * `base64` holds bytes that are not UTF-8, as they were sent.
   */
  readonly form: 'envelope' | 'line' | 'text' | 'base64'
  readonly body: string
  /** How many bytes the whole body has, if `body` is only its beginning. */
  readonly size?: number
  /** The key of the whole event, if `body` is only its beginning. */
  readonly wholeKey?: string
  /** How often the event was quarantined; 1 if absent. */
  readonly count?: number
  /** Identifies this occurrence if it may be added again: it is counted once. Absent: each addition is an occurrence. */
  readonly occurrence?: string
  /** Occurrences of equal events that are added with it, and may be added again without it. */
  readonly otherOccurrences?: readonly string[]
  /** The states may contain the event already: nothing that is stored tells. A replay may then count it twice. */
  readonly mayHaveBeenFolded?: true
}

/** The occurrence of an event that is quarantined at its position in the stream. */
export const occurrenceAt = ({ sequenceNumber, position }: { readonly sequenceNumber: string; readonly position: number }) =>
  `${sequenceNumber}#${position}`

/** The source of a client key is part of it: a replay must not give an event the rights of another key with the same name. */
export const quarantineKey = ({ keyName, type, body, clientSource, wholeKey }: QuarantinedEvent): string =>
  wholeKey ??
  createHash('sha256')
    .update(JSON.stringify([keyName, type, body, ...(clientSource === undefined ? [] : [clientSource])]))
    .digest('hex')

/** How the text of a body encodes what was sent. */
export const encodingOf = ({ form }: Pick<QuarantinedEvent, 'form'>): 'base64' | 'utf8' => (form === 'base64' ? 'base64' : 'utf8')

/** The first characters of a body, with replacement characters for bytes that are not UTF-8. */
export const sampleOf = ({ form, body }: Pick<QuarantinedEvent, 'form' | 'body'>): string =>
  Buffer.from(body.slice(0, 4 * SAMPLE_CHARACTERS), encodingOf({ form }))
    .toString()
    .slice(0, SAMPLE_CHARACTERS)
    .toWellFormed()

/** A line of the stream that ingest did not write. `arrived` is when the stream received it: milliseconds since 1970. */
export const unrecognisedLine = (line: string, arrived: number): QuarantinedEvent => ({
  code: 'invalid_event',
  message: 'Ingest did not write this line of the stream. Find out who else writes to the stream.',
  type: null,
  id: null,
  keyName: '',
  received: arrived,
  form: 'text',
  body: line,
})

/** The event without API keys: a client may have put its own anywhere, and readers of the quarantine need no key. */
export const withoutKeys = (event: QuarantinedEvent): QuarantinedEvent => ({
  ...event,
  message: redactKeys(event.message),
  body:
    event.form === 'base64'
      ? Buffer.from(redactKeys(Buffer.from(event.body, 'base64').toString('latin1')), 'latin1').toString('base64')
      : redactKeys(event.body),
})

export interface Quarantine {
  /** Stores events in the quarantine. Returns when all are stored; throws if any could not be stored. */
  add(events: readonly QuarantinedEvent[]): Promise<void>
}

/** Distinct events with their count and occurrences, in the order of their first occurrence. */
export function countDistinct(events: readonly QuarantinedEvent[]): QuarantinedEvent[] {
  const distinct = new Map<string, { event: QuarantinedEvent; count: number; others: Set<string> }>()
  for (const event of events) {
    const { count = 1, occurrence, otherOccurrences = [] } = event
    // The lengths make the key unambiguous, whatever the texts of a client contain. This is cheaper than a hash.
    const key = `${event.type?.length} ${event.keyName.length} ${event.type}${event.keyName}${event.wholeKey ?? event.body}`
    const known = distinct.get(key)
    if (known) known.count += count
    else distinct.set(key, { event, count, others: new Set(otherOccurrences) })
    if (known && occurrence !== undefined) for (const each of [occurrence, ...otherOccurrences]) known.others.add(each)
  }
  return [...distinct.values()].map(({ event, count, others }) => {
    others.delete(event.occurrence ?? '')
    return { ...event, ...(count !== 1 && { count }), ...(others.size > 0 && { otherOccurrences: [...others] }) }
  })
}

/** An event as the quarantine stores it. */
export interface StoredQuarantinedEvent extends QuarantinedEvent {
  readonly key: string
  /** How often the same event was quarantined. */
  readonly count: number
  /** Identifies the first of these occurrences: an item that was removed and stored again has another. Absent: an earlier version stored it. */
  readonly first?: string
  /** How many of these occurrences an earlier replay put into the stream. Absent: none. */
  readonly replayed?: number
  /** When a replay began to put it into the stream, in milliseconds since 1970. It did not end, or ends later. Absent: none did. */
  readonly sentAt?: number
  /** The object with its body expired or was deleted: `body` is empty. */
  readonly bodyIsGone?: true
}

/** A quarantined event without its body. */
export type QuarantineSummary = Omit<
  StoredQuarantinedEvent,
  'form' | 'body' | 'size' | 'wholeKey' | 'position' | 'replayed' | 'subject' | 'first' | 'keyId' | 'clientSource' | 'bodyIsGone'
>

/** What tells whether an item is the one that was read. */
export type ReadItem = Pick<StoredQuarantinedEvent, 'key' | 'count' | 'first'>

/** An item that a quarantined event is stored in. */
export interface EventPart {
  /** The item of the event, or of a bundle that contains it. */
  readonly item: ReadItem
  readonly isBundle: boolean
  /** How many of the occurrences of the event it holds. */
  readonly count: number
}

/** A quarantined event without its body, with the rest of its identity. An event that is in several items is one. */
export type IdentifiedSummary = QuarantineSummary &
  Pick<StoredQuarantinedEvent, 'subject'> & { readonly parts: readonly EventPart[] }

/** One row of GET /v1/quarantine. */
export interface QuarantineRow extends Omit<QuarantineSummary, 'received' | 'sentAt'> {
  /** RFC 3339. */
  readonly received: string
  /** The first characters of the body. Null for an item of an earlier version. */
  readonly sample: string | null
}

/** Input of the collect-failures function. */
export interface CollectRequest {
  /** Keys of bundles whose events are to become items of their own. */
  readonly unpack?: readonly string[]
  /** Return what was left in place instead of throwing: the caller goes on without it. */
  readonly returnLeft?: boolean
}

/** Result of the collect-failures function. */
export interface CollectResult {
  /** How many events it has moved into the table. */
  readonly collected: number
  /** Sentences about the objects that could not be collected. Absent if there are none. */
  readonly left?: string
  /** The first object that the run had no time for. Absent if there is none. */
  readonly late?: string
}

/** Input of the replay function: the keys of the events to replay. */
export interface ReplayRequest {
  readonly keys: readonly string[]
  /** Only report what a replay would do. */
  readonly dryRun?: boolean
  /** Events of bundles. Only a dry run judges them: a replay needs items of them. */
  readonly bundled?: readonly StoredQuarantinedEvent[]
}

/** The result of replaying one event, or with `dryRun` what it would be. */
export type ReplayOutcome =
  /** `remaining`: how many of its occurrences the next call must replay. Absent: none. */
  | { readonly key: string; readonly replayed: true; readonly remaining?: number }
  | ({ readonly key: string; readonly replayed: false } & Pick<Rejection, 'code' | 'message'>)
