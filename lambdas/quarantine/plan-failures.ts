import type { Event } from '../../shared/event.ts'
import type { EventType } from '../../shared/event-type.ts'
import { type QuarantinedEvent, unrecognisedLine } from '../../shared/quarantine.ts'
import { type RejectionCode, rejections } from '../../shared/rejections.ts'
import { fromLine, type LineReader, lineForReader, linesOf, withoutReaderMark } from '../../shared/stream-record.ts'

/** What is needed to interpret a failure. */
export interface FailureContext {
  readonly eventTypes: ReadonlyMap<string, EventType>
  /** Name of the function that writes raw events to OpenSearch. The other reader of the event stream writes the states. */
  readonly rawEventsFunction: string
  /** Name of the function that writes documents to OpenSearch. The other reader of the state table's changes writes the windows. */
  readonly documentsFunction: string
}

/** The events of an object that the quarantine's `add` wrote: one JSON object per line. Throws if it is anything else. */
export const fromUncollected = (text: string): QuarantinedEvent[] => jsonLines<QuarantinedEvent>(text)

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
export interface UnfinishedLine {
  readonly quarantined: QuarantinedEvent
  /** Undefined if ingest did not write the line, or if the line is for another reader. */
  readonly event: Event | undefined
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
  const missedBy: Pick<MissedRecord, 'code' | 'only'> =
    name === context.rawEventsFunction ? { code: 'not_indexed', only: 'search' } : { code: 'record_unread', only: undefined }
  const records = Records.map(({ kinesis: { sequenceNumber, partitionKey, data, approximateArrivalTimestamp } }) => {
    const arrived = Math.trunc(approximateArrivalTimestamp * 1000)
    return {
      sequenceNumber,
      arrived,
      partitionKey,
      lines: fromRecord(data, { ...missedBy, arrived, eventTypes: context.eventTypes }),
    }
  })
  if (missedBy.only === undefined) return { missed: [], unfinished: records }
  return { missed: records.flatMap(({ lines }) => lines.map(({ quarantined }) => quarantined)), unfinished: [] }
}

const functionName = (arn: string): string => arn.split(':')[6] ?? ''

const WINDOWS_MISSED_CHANGES =
  'The windows miss these changes, which expired from the stream of changes; rebuild the windows from the archive.'

/**
 * A batch of changes becomes one quarantined event, with the reader that missed them as its type. Its events are in the archive,
 * and its items in the state table.
 */
const fromChanges = (text: string, name: string, received: number, { documentsFunction }: FailureContext): QuarantinedEvent => ({
  code: 'changes_unread',
  ...(name === documentsFunction
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

/** The events of an object that Firehose wrote: one JSON object per record. Throws if it is anything else. */
export const fromDeliveryErrors = (text: string, { eventTypes }: FailureContext): QuarantinedEvent[] =>
  jsonLines<DeliveryError>(text).flatMap(({ rawData, arrivalTimestamp }) =>
    fromRecord(rawData, { code: 'not_archived', only: 'archive', arrived: arrivalTimestamp, eventTypes }).map(
      ({ quarantined }) => quarantined,
    ),
  )

interface MissedRecord {
  readonly code: RejectionCode
  /** The only reader that missed the record. Undefined if the state function missed it: then it is replayed for all readers. */
  readonly only: LineReader | undefined
  /** Milliseconds since 1970. */
  readonly arrived: number
  readonly eventTypes: ReadonlyMap<string, EventType>
}

/** One event for each line of a record, with the line to replay as its body. */
const fromRecord = (base64: string, missed: MissedRecord): UnfinishedLine[] =>
  linesOf(Buffer.from(base64, 'base64').toString()).map(({ line, position }) => {
    const { event, quarantined } = fromMissedLine(line, missed)
    return { event, quarantined: { ...quarantined, position } }
  })

function fromMissedLine(line: string, { code, only, arrived, eventTypes }: MissedRecord): UnfinishedLine {
  const plain = withoutReaderMark(line)
  try {
    const event = fromLine(plain.line, eventTypes)
    const { type, id, subject, source, received } = event
    const reader = only ?? plain.only
    const body = reader ? lineForReader(reader, plain.line) : plain.line
    const message = rejections[code].help
    return {
      event: plain.only ? undefined : event,
      quarantined: { code, message, type, id, subject, keyName: source, received, form: 'line', body },
    }
  } catch {
    return { event: undefined, quarantined: unrecognisedLine(line, arrived) }
  }
}

const jsonLines = <T>(text: string): T[] => linesOf(text).map(({ line }) => JSON.parse(line) as T)
