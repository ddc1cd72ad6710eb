import type { KinesisStreamRecord } from 'aws-lambda'
import { ERASURE_TYPE, type Event } from '../../shared/event.ts'
import type { EventType } from '../../shared/event-type.ts'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import { rejections } from '../../shared/rejections.ts'
import { fromLines } from '../../shared/stream-record.ts'
import { formatInstant } from '../../shared/time.ts'

import type { FoldRejection, FoldRules, UserRecord } from './fold-record.ts'

/** A record of the stream as the state function needs it. */
export interface DecodedRecord extends UserRecord {
  /** Null when no projection folds any of its events. */
  readonly user: string | null
  /** Lines that are none of ours, to be put aside. */
  readonly unrecognised: readonly QuarantinedEvent[]
}

/** Takes a record apart: ingest packs the events of one user, received together, as one line each. */
export function decode(
  { kinesis }: KinesisStreamRecord,
  { eventTypes, rules }: { readonly eventTypes: ReadonlyMap<string, EventType>; readonly rules: FoldRules },
): DecodedRecord {
  const { events, unrecognised: unreadable } = fromLines(Buffer.from(kinesis.data, 'base64').toString(), eventTypes)
  const arrived = Math.trunc(kinesis.approximateArrivalTimestamp * 1000)
  const folded = events.filter(({ type }) => type === ERASURE_TYPE || rules.projections.some(({ on }) => on.name === type))
  const [first] = folded
  const erasure = first?.type === ERASURE_TYPE
  return {
    sequenceNumber: kinesis.sequenceNumber,
    user: first?.subject ?? null,
    received: first?.received ?? 0,
    arrived,
    events: erasure ? [] : folded,
    erasure,
    unrecognised: unreadable.map(line => asUnrecognised(line, arrived)),
  }
}

const asUnrecognised = (line: string, arrived: number): QuarantinedEvent => ({
  code: 'invalid_event',
  message: 'A line of the stream is not one that ingest wrote; find out who else writes to the stream.',
  type: null,
  id: null,
  keyName: '',
  received: arrived,
  form: 'text',
  body: line,
})

/** An event that was accepted and cannot be folded, as an envelope that ingest takes again. */
export const asQuarantined = ({
  event,
  code,
}: {
  event: Event
  code: FoldRejection['code'] | 'retry_budget_spent'
}): QuarantinedEvent => ({
  code,
  message: rejections[code].help,
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
