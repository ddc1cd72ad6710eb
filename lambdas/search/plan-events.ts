import type { BulkOperation } from '../../shared/bulk-operation.ts'
import type { Event } from '../../shared/event.ts'
import { occurrenceAt, type QuarantinedEvent, unrecognisedLine } from '../../shared/quarantine.ts'
import { eventDocument, type RawEventSettings, rawDocumentOf } from '../../shared/raw-events.ts'
import { reject } from '../../shared/rejections.ts'
import { describeError } from '../../shared/safe-error.ts'
import {
  type DecodedLines,
  fromLines,
  lineForReader,
  type PositionedLine,
  toLine,
  withoutReaderMark,
} from '../../shared/stream-record.ts'

/** The documents of records, and the events that have none. */
export interface EventPlan {
  readonly operations: readonly BulkOperation[]
  readonly failures: readonly QuarantinedEvent[]
}

/** A record of the event stream. */
export interface EventRecord {
  readonly sequenceNumber: string
  readonly text: string
  /** When it arrived in the stream: milliseconds since 1970. */
  readonly arrived: number
}

/**
 * One document for each event of the types that are on. Its id is the event's identity, so that a repeated event creates no second
 * one. An event that throws becomes a failure: it must not stop the events after it. A failure counts once, however often its record
 * is delivered.
 */
export function planEvents(records: readonly EventRecord[], raw: RawEventSettings): EventPlan {
  const operations: BulkOperation[] = []
  const failures: QuarantinedEvent[] = []
  for (const { text, arrived, sequenceNumber } of records) {
    const lines = fromLines(text, raw.eventTypes, 'search')
    const fail = (event: QuarantinedEvent, position: number) =>
      failures.push({ ...event, occurrence: occurrenceAt({ sequenceNumber, position }) })
    for (const { line, position } of unreadBy(lines)) fail(unrecognisedLine(line, arrived), position)
    for (const [at, event] of lines.events.entries()) {
      try {
        const target = rawDocumentOf(event, raw)
        const document = target && eventDocument(event, raw.eventTypes.get(event.type))
        if (target && document) operations.push({ action: 'create', ...target, document })
      } catch (error) {
        fail(asQuarantined(event, raw, error), lines.positions[at] ?? 0)
      }
    }
  }
  return { operations, failures }
}

/** Unrecognised lines for this reader alone. The state function quarantines those for all readers. */
const unreadBy = ({ unrecognised }: DecodedLines): PositionedLine[] =>
  unrecognised.filter(({ line }) => withoutReaderMark(line).only === 'search')

const asQuarantined = (event: Event, { eventTypes }: RawEventSettings, error: unknown): QuarantinedEvent => ({
  ...reject('not_indexed', `Its document could not be made: ${describeError(error)} Fix the code, then replay the event.`),
  type: event.type,
  id: event.id,
  subject: event.subject,
  keyName: event.source,
  received: event.received,
  form: 'line',
  body: lineForReader('search', toLine(event, eventTypes.get(event.type))),
})
