import { accept, type Envelope } from '../../shared/acceptance.ts'
import type { BulkOperation } from '../../shared/bulk-operation.ts'
import type { Event } from '../../shared/event.ts'
import type { EventType } from '../../shared/event-type.ts'
import type { StoredQuarantinedEvent } from '../../shared/quarantine.ts'
import { isRejection, type Rejection, type RejectionCode, reject } from '../../shared/rejections.ts'
import { fromLine, toLine, withoutReaderMark } from '../../shared/stream-record.ts'

import { classifyElements } from './classify-elements.ts'
import { packLines, partitionKeyOf, type StreamRecord } from './plan-records.ts'

/** What can be done with an event that was kept aside. */
export type Replay =
  /** Its line goes into the stream. */
  | { readonly kind: 'put'; readonly partitionKey: string; readonly received: number; readonly line: string }
  /** Its document is written. */
  | { readonly kind: 'write'; readonly operation: BulkOperation }
  | { readonly kind: 'refuse'; readonly rejection: Rejection }

type EventTypes = ReadonlyMap<string, EventType>

/** Codes of events that had been accepted: the limits of a request are behind them. */
const ACCEPTED_CODES: ReadonlySet<RejectionCode> = new Set<RejectionCode>([
  'projection_failed',
  'state_too_large',
  'retry_budget_spent',
])

/** Codes of what was derived from events: the events themselves are in the stores, and what is missing is not in them alone. */
const DERIVED_CODES: ReadonlySet<RejectionCode> = new Set<RejectionCode>(['changes_unread', 'not_merged'])

const NOT_REPLAYABLE = ' It cannot be replayed; send it again, mended.'

/** Judges an event that was kept aside by today's catalogue; it keeps when it came, its key's name and its id. */
export function planReplay(stored: StoredQuarantinedEvent, eventTypes: EventTypes): Replay {
  if (stored.code === 'document_refused') return { kind: 'write', operation: JSON.parse(stored.body) as BulkOperation }
  if (DERIVED_CODES.has(stored.code)) return { kind: 'refuse', rejection: reject(stored.code, stored.message) }
  if (stored.form === 'line') return put(fromLine(withoutReaderMark(stored.body).line, eventTypes), stored.body)
  const outcome = acceptAgain(stored, eventTypes)
  if (isRejection(outcome)) return { kind: 'refuse', rejection: outcome }
  return put(outcome, toLine(outcome, eventTypes.get(outcome.type)))
}

const put = (event: Event, line: string): Replay => ({
  kind: 'put',
  partitionKey: partitionKeyOf(event),
  received: event.received,
  line,
})

function acceptAgain(
  { key, code, message, keyName, received, form, body }: StoredQuarantinedEvent,
  eventTypes: EventTypes,
): Event | Rejection {
  // Kept as it was sent, in whatever dialect: nothing in it was ever understood as an event.
  if (form === 'text') return reject(code, message.endsWith(NOT_REPLAYABLE) ? message : message + NOT_REPLAYABLE)
  const envelope = JSON.parse(body) as Envelope
  // Without an id of its own it gets its key in the quarantine: replayed once more, it is still the same event.
  const arrival = { eventTypes, keyName, received, defaultId: () => key }
  if (ACCEPTED_CODES.has(code)) return accept(envelope, arrival)
  const { events, quarantined: refusals } = classifyElements([{ index: 0, envelope, text: body }], arrival)
  const [refusal] = refusals
  return refusal ? reject(refusal.event.code, refusal.event.message) : (events[0] as Event)
}

/** The lines to put as records, earlier arrivals first; a record holds one user's lines of one arrival, as ingest's do. */
export function packReplays(replays: readonly Replay[]): StreamRecord[] {
  const puts = replays.filter(replay => replay.kind === 'put').sort((a, b) => a.received - b.received)
  const together = Map.groupBy(puts, ({ partitionKey, received }) => `${received} ${partitionKey}`)
  return [...together.values()].flatMap(group =>
    packLines(
      group[0]?.partitionKey ?? '',
      group.map(({ line }) => line),
    ),
  )
}
