import { fromLine, toLine, unmarked } from '../../shared/archive.ts'
import { accept, type Envelope, type Event, type EventType } from '../../shared/event.ts'
import { isRejection, type Rejection, type RejectionCode, reject } from '../../shared/rejections.ts'
import type { KeptEvent } from '../quarantine/dynamodb-kept-events.ts'
import type { BulkOperation } from '../search/opensearch.ts'
import { sortElements } from './plan-events.ts'
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
const ACCEPTED: ReadonlySet<RejectionCode> = new Set<RejectionCode>([
  'projection_failed',
  'state_too_large',
  'retry_budget_spent',
])

/** Codes of what was derived from events: the events themselves are in the stores, and what is missing is not in them alone. */
const DERIVED: ReadonlySet<RejectionCode> = new Set<RejectionCode>(['changes_unread', 'not_merged'])

const HOPELESS = ' It cannot be replayed; send it again, mended.'

/** Judges an event that was kept aside by today's catalogue; it keeps when it came, its key's name and its id. */
export function planReplay(kept: KeptEvent, eventTypes: EventTypes): Replay {
  if (kept.code === 'document_refused') return { kind: 'write', operation: JSON.parse(kept.body) as BulkOperation }
  if (DERIVED.has(kept.code)) return { kind: 'refuse', rejection: reject(kept.code, kept.message) }
  if (kept.form === 'line') return put(fromLine(unmarked(kept.body).line, eventTypes), kept.body)
  const outcome = acceptAgain(kept, eventTypes)
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
  { key, code, message, keyName, received, form, body }: KeptEvent,
  eventTypes: EventTypes,
): Event | Rejection {
  // Kept as it was sent, in whatever dialect: nothing in it was ever understood as an event.
  if (form === 'text') return reject(code, message.endsWith(HOPELESS) ? message : message + HOPELESS)
  const envelope = JSON.parse(body) as Envelope
  // Without an id of its own it gets its key in the quarantine: replayed once more, it is still the same event.
  const arrival = { eventTypes, keyName, received, defaultId: () => key }
  if (ACCEPTED.has(code)) return accept(envelope, arrival)
  const { events, refusals } = sortElements([{ index: 0, envelope, text: body }], arrival)
  const [refusal] = refusals
  return refusal ? reject(refusal.kept.code, refusal.kept.message) : (events[0] as Event)
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
