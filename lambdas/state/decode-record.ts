import type { KinesisStreamRecord } from 'aws-lambda'
import { ERASURE_TYPE } from '../../shared/event.ts'
import type { EventType } from '../../shared/event-type.ts'
import { folds } from '../../shared/projection.ts'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import { rejections } from '../../shared/rejections.ts'
import { fromLines } from '../../shared/stream-record.ts'
import { formatInstant } from '../../shared/time.ts'
import type { FoldRejection, FoldRules, UserRecord } from './fold-record.ts'

/** A record of the event stream, decoded for the fold. */
export interface DecodedRecord extends UserRecord {
  /** Null when no projection folds any of its events. */
  readonly user: string | null
  /** Lines that ingest did not write, to be quarantined. */
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
  const [first] = folded
  const erasure = first?.type === ERASURE_TYPE
  return {
    sequenceNumber: kinesis.sequenceNumber,
    user: first?.subject ?? null,
    received: first?.received ?? 0,
    arrived,
    events: erasure ? [] : folded,
    erasure,
    unrecognised: unrecognised.map(line => asUnrecognised(line, arrived)),
  }
}

const asUnrecognised = (line: string, arrived: number): QuarantinedEvent => ({
  code: 'invalid_event',
  message: 'Ingest did not write this line of the stream. Find out who else writes to the stream.',
  type: null,
  id: null,
  keyName: '',
  received: arrived,
  form: 'text',
  body: line,
})

/** An accepted event that could not be folded, as an envelope that can be replayed. */
export const asQuarantined = ({ event, code, reason }: Omit<FoldRejection, 'at'>): QuarantinedEvent => ({
  code,
  message: [rejections[code].help, reason].filter(part => part !== undefined).join(' '),
  type: event.type,
  id: event.id,
  keyName: event.source,
  received: event.received,
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
