import type { KinesisStreamRecord } from 'aws-lambda'
import { ERASURE_TYPE } from '../../shared/event.ts'
import type { EventType } from '../../shared/event-type.ts'
import { type FoldableEvents, foldableEvents } from '../../shared/foldable-events.ts'
import { type QuarantinedEvent, unrecognisedLine } from '../../shared/quarantine.ts'
import { rejections } from '../../shared/rejections.ts'
import type { EventPosition } from '../../shared/state.ts'
import { fromLines } from '../../shared/stream-record.ts'
import { formatInstant } from '../../shared/time.ts'
import type { PassedOverEvent } from './dynamodb-passed-over.ts'
import type { FoldRejection, FoldRules, UserRecord } from './user-record.ts'

/** A record of the event stream, decoded for the fold. */
export interface DecodedRecord extends UserRecord {
  /** Null when no projection folds any of its events. */
  readonly user: string | null
  /** Lines that ingest did not write, and events that no user's item decides, to be quarantined. */
  readonly unrecognised: readonly PassedOverEvent[]
}

/** Decodes a record: lines of events of one user that were received together, or one erasure. */
export function decodeRecord(
  { kinesis }: KinesisStreamRecord,
  { eventTypes, rules }: { readonly eventTypes: ReadonlyMap<string, EventType>; readonly rules: FoldRules },
): DecodedRecord {
  const { sequenceNumber, partitionKey } = kinesis
  const { events, positions, unrecognised } = fromLines(Buffer.from(kinesis.data, 'base64').toString(), eventTypes)
  const arrived = Math.trunc(kinesis.approximateArrivalTimestamp * 1000)
  const placed = events.map((event, at) => ({ event, position: positions[at] ?? 0 }))
  const { usable, unusable } = foldableEvents(placed, { arrived, partitionKey }, { eventTypes, projections: rules.projections })
  const first = usable[0]?.event
  const erasure = first?.type === ERASURE_TYPE
  const folded = erasure ? [] : usable
  return {
    sequenceNumber,
    user: first?.subject ?? null,
    received: first?.received ?? 0,
    arrived,
    events: folded.map(({ event }) => event),
    positions: folded.map(({ position }) => position),
    ...(folded.some(({ reason }) => reason !== undefined) && { rejected: rejectedOf(folded) }),
    erasure,
    unrecognised: [
      ...unrecognised.map(({ line, position }) => ({ at: { sequenceNumber, position }, event: unrecognisedLine(line, arrived) })),
      ...unusable.map(({ event, position, reason }) => ({
        at: { sequenceNumber, position },
        event: asQuarantined({ event, code: 'invalid_event', reason }),
      })),
    ],
  }
}

const rejectedOf = (events: FoldableEvents['usable']): NonNullable<UserRecord['rejected']> =>
  new Map(events.flatMap(({ position, reason }) => (reason === undefined ? [] : [[position, { code: 'invalid_event', reason }]])))

/** An accepted event that could not be folded, as an envelope that can be replayed. */
export const asQuarantined = ({
  event,
  at,
  code,
  reason,
}: Pick<FoldRejection, 'event' | 'reason'> & {
  readonly at?: Pick<EventPosition, 'position'>
  readonly code: FoldRejection['code']
}): QuarantinedEvent => ({
  code,
  message: [rejections[code].help, reason].filter(part => part !== undefined).join(' '),
  type: event.type,
  id: event.id,
  subject: event.subject,
  keyName: event.source,
  ...(event.keyId !== undefined && { keyId: event.keyId }),
  received: event.received,
  position: at?.position ?? 0,
  form: 'envelope',
  body: JSON.stringify({
    id: event.id,
    source: event.source,
    type: event.type,
    subject: event.subject,
    time: formatInstant(event.time),
    stated: event.stated ?? null,
    data: event.data,
  }),
})
