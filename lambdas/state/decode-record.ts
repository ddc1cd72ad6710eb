import type { KinesisStreamRecord } from 'aws-lambda'
import { ERASURE_TYPE, type Event } from '../../shared/event.ts'
import type { EventType } from '../../shared/event-type.ts'
import { folds } from '../../shared/projection.ts'
import { type QuarantinedEvent, unrecognisedLine } from '../../shared/quarantine.ts'
import { rejections } from '../../shared/rejections.ts'
import type { EventPosition } from '../../shared/state.ts'
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
  const withoutUser = folded.filter(event => lacksUser(event, eventTypes))
  const [first] = folded.filter(event => !withoutUser.includes(event))
  const erasure = first?.type === ERASURE_TYPE
  return {
    sequenceNumber: kinesis.sequenceNumber,
    user: first?.subject ?? null,
    received: first?.received ?? 0,
    arrived,
    events: erasure ? [] : folded.filter(event => !withoutUser.includes(event)),
    erasure,
    unrecognised: [
      ...unrecognised.map(line => unrecognisedLine(line, arrived)),
      ...withoutUser.map(event => asQuarantined({ event, code: 'invalid_event', reason: WITHOUT_USER })),
    ],
  }
}

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
