import type { KinesisStreamRecord } from 'aws-lambda'
import { ERASURE_TYPE, type Event } from '../../shared/event.ts'
import type { EventType } from '../../shared/event-type.ts'
import { folds } from '../../shared/projection.ts'
import { type QuarantinedEvent, unrecognisedLine } from '../../shared/quarantine.ts'
import { rejections } from '../../shared/rejections.ts'
import type { EventPosition } from '../../shared/state.ts'
import { isStoredRow } from '../../shared/stored-event.ts'
import { fromLines } from '../../shared/stream-record.ts'
import { formatInstant } from '../../shared/time.ts'
import type { FoldRejection, FoldRules, UserRecord } from './fold-record.ts'

/** A record of the event stream, decoded for the fold. */
export interface DecodedRecord extends UserRecord {
  /** Null when no projection folds any of its events. */
  readonly user: string | null
  /** Lines that ingest did not write, and events that lack their user, to be quarantined. */
  readonly unrecognised: readonly QuarantinedEvent[]
}

/** Decodes a record: lines of events of one user that were received together, or one erasure. */
export function decodeRecord(
  { kinesis }: KinesisStreamRecord,
  { eventTypes, rules }: { readonly eventTypes: ReadonlyMap<string, EventType>; readonly rules: FoldRules },
): DecodedRecord {
  const { events, unrecognised } = fromLines(Buffer.from(kinesis.data, 'base64').toString(), eventTypes)
  const arrived = Math.trunc(kinesis.approximateArrivalTimestamp * 1000)
  const folded = events.filter(
    ({ type }) => type === ERASURE_TYPE || rules.projections.some(projection => folds(projection, type)),
  )
  const { usable, unusable } = separate(folded, arrived, eventTypes)
  const [first] = usable
  const erasure = first?.type === ERASURE_TYPE
  return {
    sequenceNumber: kinesis.sequenceNumber,
    user: first?.subject ?? null,
    received: first?.received ?? 0,
    arrived,
    events: erasure ? [] : usable,
    erasure,
    unrecognised: [
      ...unrecognised.map(line => unrecognisedLine(line, arrived)),
      ...unusable.map(({ event, reason }) => asQuarantined({ event, code: 'invalid_event', reason })),
    ],
  }
}

/** An event that cannot be folded, and why. */
interface UnusableEvent {
  readonly event: Event
  readonly reason: string
}

/**
 * Separates the events to fold from those that cannot be folded. Ingest writes the events of one user, or one erasure, into a
 * record; but anybody who may write to the stream can write any lines.
 */
function separate(events: readonly Event[], arrived: number, eventTypes: ReadonlyMap<string, EventType>) {
  const usable: Event[] = []
  const unusable: UnusableEvent[] = []
  for (const event of events) {
    const reason = lacksUser(event, eventTypes) ? WITHOUT_USER : problemOf(event, usable[0], arrived, eventTypes)
    if (reason === undefined) usable.push(event)
    else unusable.push({ event, reason })
  }
  return { usable, unusable }
}

/** Far more than the clock of ingest can be ahead of the stream's: the order numbers of a user never go back. */
const MAX_CLOCK_AHEAD_MS = 30 * 86_400_000

function problemOf(
  event: Event,
  first: Event | undefined,
  arrived: number,
  eventTypes: ReadonlyMap<string, EventType>,
): string | undefined {
  if (event.received - arrived > MAX_CLOCK_AHEAD_MS) return FROM_THE_FUTURE
  if (event.subject === null) return OF_NOBODY
  if (first && first.subject !== event.subject) return OF_ANOTHER_USER
  if (first && (first.type === ERASURE_TYPE) !== (event.type === ERASURE_TYPE)) return BESIDE_AN_ERASURE
  const type = eventTypes.get(event.type)
  return type && !isStoredRow(event, type) ? NOT_A_ROW : undefined
}

const FROM_THE_FUTURE =
  'It was received more than 30 days after it arrived in the stream; find out who else writes to the stream.'
const OF_NOBODY = 'It has no user; find out who else writes to the stream.'
const OF_ANOTHER_USER = 'Its record begins with an event of another user; find out who else writes to the stream.'
const BESIDE_AN_ERASURE = 'Its record has an erasure and events; find out who else writes to the stream.'
const NOT_A_ROW =
  'Its row or its user does not match its type: another writer or another definition of the type made it. Replay it to validate it.'
const WITHOUT_USER = 'Ingest accepted it before its type was in the catalogue, so it has no user yet; replay it.'

/**
 * Whether ingest accepted the event before its type was in the catalogue. It cannot be folded here: its record is in the shard of
 * its id, and sequence numbers of other shards do not order with those of its user.
 */
function lacksUser({ type, subject, data }: Event, eventTypes: ReadonlyMap<string, EventType>): boolean {
  const definition = eventTypes.get(type)
  if (subject !== null || !definition?.hasUsers) return false
  try {
    return definition.user(data) !== null
  } catch {
    return true
  }
}

/** An accepted event that could not be folded, as an envelope that can be replayed. */
export const asQuarantined = ({
  event,
  at,
  code,
  reason,
}: Pick<FoldRejection, 'event' | 'reason'> & {
  readonly at?: Pick<EventPosition, 'position'>
  readonly code: FoldRejection['code'] | 'invalid_event'
}): QuarantinedEvent => ({
  code,
  message: [rejections[code].help, reason].filter(part => part !== undefined).join(' '),
  type: event.type,
  id: event.id,
  keyName: event.source,
  received: event.received,
  position: at?.position ?? 0,
  form: 'envelope',
  body: JSON.stringify({
    id: event.id,
    source: event.source,
    type: event.type,
    subject: event.subject,
    time: formatInstant(event.time),
    data: event.data,
  }),
})
