import type { Event } from '../../shared/event.ts'
import type { EventType } from '../../shared/event-type.ts'
import { occurrenceAt, type QuarantinedEvent, unrecognisedLine } from '../../shared/quarantine.ts'
import { isIndexed, type RawEventSettings } from '../../shared/raw-events.ts'
import { type RejectionCode, rejections } from '../../shared/rejections.ts'
import { fromLine, type LineReader, lineForReader, linesOf, withoutReaderMark } from '../../shared/stream-record.ts'

/** What is needed to interpret a failure. */
export interface FailureContext {
  readonly eventTypes: ReadonlyMap<string, EventType>
  /** Name of the function that writes raw events to OpenSearch. The other reader of the event stream writes the states. */
  readonly rawEventsFunction: string
  /** Name of the function that writes documents to OpenSearch. The other reader of the state table's changes writes the windows. */
  readonly documentsFunction: string
  /** Which raw events the stage indexes. */
  readonly isOn: RawEventSettings['isOn']
}

/** The beginnings of the logical ids of the functions of search. They are parts of the names that CloudFormation gives them. */
export const SEARCH_FUNCTION_IDS = { rawEvents: 'SearchIndexEvents', documents: 'SearchIndexDocuments' } as const

/** The event of a line that the quarantine's `add` wrote. Throws if the line is anything else. */
export const fromUncollected = (line: string): QuarantinedEvent => JSON.parse(line) as QuarantinedEvent

/** What Lambda writes to S3 about a batch that it discarded. */
interface DiscardedBatch {
  readonly requestContext: { readonly functionArn: string }
  /** RFC 3339. */
  readonly timestamp: string
  readonly KinesisBatchInfo?: object
  /** The function's input. Lambda writes it as an object; Lambda's guide shows it as JSON text. */
  readonly payload?: KinesisEvent | string
}

interface KinesisEvent {
  readonly Records: readonly {
    readonly kinesis: {
      readonly sequenceNumber: string
      readonly partitionKey?: string
      readonly data: string
      readonly approximateArrivalTimestamp: number
    }
  }[]
}

/** A record of the event stream that the state function did not finish. It may have folded all of it, some events, or none. */
export interface UnfinishedRecord {
  readonly sequenceNumber: string
  /** When it arrived in the stream, milliseconds since 1970. */
  readonly arrived: number
  readonly partitionKey: string | undefined
  readonly lines: readonly UnfinishedLine[]
}

/** A line of such a record, as it is quarantined. */
interface UnfinishedLine {
  readonly quarantined: QuarantinedEvent
  /** Undefined if ingest did not write the line. */
  readonly event: Event | undefined
  /** Among all lines of the record. */
  readonly position: number
}

/** A line of a record that a reader missed, with the only reader that it is for. */
interface MissedLine extends UnfinishedLine {
  readonly only: LineReader | undefined
}

export interface DiscardedBatchContent {
  /** What a reader missed for certain. */
  readonly missed: readonly QuarantinedEvent[]
  readonly unfinished: readonly UnfinishedRecord[]
}

/** The content of a batch that Lambda discarded. Throws if the text is not what Lambda writes about one. */
export function fromDiscarded(text: string, context: FailureContext): DiscardedBatchContent {
  const { requestContext, timestamp, KinesisBatchInfo, payload } = JSON.parse(text) as DiscardedBatch
  const name = functionName(requestContext.functionArn)
  if (!KinesisBatchInfo || payload === undefined)
    return { missed: [fromChanges(text, name, Date.parse(timestamp), context)], unfinished: [] }
  const { Records } = typeof payload === 'string' ? (JSON.parse(payload) as KinesisEvent) : payload
  const records = Records.map(({ kinesis }) => ({ ...kinesis, arrived: Math.trunc(kinesis.approximateArrivalTimestamp * 1000) }))
  return isRawEvents(name, context) ? missedBySearch(records, context) : unfinishedByStates(records, context)
}

type ArrivedRecord = KinesisEvent['Records'][number]['kinesis'] & Pick<UnfinishedRecord, 'arrived'>

/** The state function reads no line that is for one reader. */
const unfinishedByStates = (records: readonly ArrivedRecord[], { eventTypes }: FailureContext): DiscardedBatchContent => ({
  missed: [],
  unfinished: records.map(({ sequenceNumber, partitionKey, arrived, data }) => ({
    sequenceNumber,
    arrived,
    partitionKey,
    lines: fromRecord(data, { code: 'record_unread', only: undefined, arrived, eventTypes }).filter(
      ({ only }) => only === undefined,
    ),
  })),
})

const missedBySearch = (records: readonly ArrivedRecord[], context: FailureContext): DiscardedBatchContent => ({
  missed: records.flatMap(({ sequenceNumber, data, arrived }) =>
    fromRecord(data, { code: 'not_indexed', only: 'search', arrived, eventTypes: context.eventTypes })
      .filter(line => isForSearch(line, context))
      .map(({ quarantined, position }) => ({ ...quarantined, occurrence: occurrenceAt({ sequenceNumber, position }) })),
  ),
  unfinished: [],
})

/** Whether the function that writes raw events would have indexed the line, or quarantined it. */
function isForSearch({ only, event }: MissedLine, context: FailureContext): boolean {
  if (only !== undefined && only !== 'search') return false
  return event ? isIndexed(event.type, context) : only === 'search'
}

/** Also if the function is none of the stage any more: then search was turned off, or off and on. */
const isRawEvents = (name: string, { rawEventsFunction }: FailureContext): boolean =>
  name === rawEventsFunction || name.includes(SEARCH_FUNCTION_IDS.rawEvents)

const isDocuments = (name: string, { documentsFunction }: FailureContext): boolean =>
  name === documentsFunction || name.includes(SEARCH_FUNCTION_IDS.documents)

const functionName = (arn: string): string => arn.split(':')[6] ?? ''

const WINDOWS_MISSED_CHANGES =
  'The windows miss these changes, which expired from the stream of changes; rebuild the windows from the archive.'

/**
 * A batch of changes becomes one quarantined event, with the reader that missed them as its type. Its events are in the archive,
 * and its items in the state table.
 */
const fromChanges = (text: string, name: string, received: number, context: FailureContext): QuarantinedEvent => ({
  code: 'changes_unread',
  ...(isDocuments(name, context)
    ? { type: 'documents', message: rejections.changes_unread.help }
    : { type: 'windows', message: WINDOWS_MISSED_CHANGES }),
  id: null,
  keyName: '',
  received,
  form: 'text',
  body: text,
})

/** What Firehose writes to S3 about a record that it could not convert. */
interface DeliveryError {
  /** The record, in base64. */
  readonly rawData: string
  /** Milliseconds since 1970. */
  readonly arrivalTimestamp: number
}

/** The events of a record that Firehose wrote: a line of JSON. Throws if the line is anything else. */
export function fromDeliveryError(line: string, { eventTypes }: Pick<FailureContext, 'eventTypes'>): QuarantinedEvent[] {
  const { rawData, arrivalTimestamp } = JSON.parse(line) as DeliveryError
  const missed: MissedRecord = { code: 'not_archived', only: 'archive', arrived: arrivalTimestamp, eventTypes }
  return fromRecord(rawData, missed).map(({ quarantined }) => quarantined)
}

interface MissedRecord {
  readonly code: RejectionCode
  /** The only reader that missed the record. Undefined if the state function missed it: then it is replayed for all readers. */
  readonly only: LineReader | undefined
  /** Milliseconds since 1970. */
  readonly arrived: number
  readonly eventTypes: ReadonlyMap<string, EventType>
}

/** One event for each line of a record, with the line to replay as its body. */
const fromRecord = (base64: string, missed: MissedRecord): MissedLine[] =>
  linesOf(Buffer.from(base64, 'base64').toString()).map(({ line, position }) => {
    const { event, quarantined, only } = fromMissedLine(line, missed)
    return { event, quarantined: { ...quarantined, position }, position, only }
  })

function fromMissedLine(line: string, { code, only, arrived, eventTypes }: MissedRecord): Omit<MissedLine, 'position'> {
  const plain = withoutReaderMark(line)
  try {
    const event = fromLine(plain.line, eventTypes)
    const { type, id, subject, source, received } = event
    const reader = only ?? plain.only
    const body = reader ? lineForReader(reader, plain.line) : plain.line
    const message = rejections[code].help
    const quarantined: QuarantinedEvent = { code, message, type, id, subject, keyName: source, received, form: 'line', body }
    return { event, quarantined, only: plain.only }
  } catch {
    return { event: undefined, quarantined: unrecognisedLine(line, arrived), only: plain.only }
  }
}
