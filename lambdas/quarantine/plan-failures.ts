import type { EventType } from '../../shared/event-type.ts'
import { type QuarantinedEvent, unrecognisedLine } from '../../shared/quarantine.ts'
import { type RejectionCode, rejections } from '../../shared/rejections.ts'
import { fromLine, type LineReader, lineForReader, withoutReaderMark } from '../../shared/stream-record.ts'

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
  readonly Records: readonly { readonly kinesis: { readonly data: string; readonly approximateArrivalTimestamp: number } }[]
}

/** The events of a batch that Lambda discarded. Throws if the text is not what Lambda writes about one. */
export function fromDiscarded(text: string, context: FailureContext): QuarantinedEvent[] {
  const { requestContext, timestamp, KinesisBatchInfo, payload } = JSON.parse(text) as DiscardedBatch
  const name = functionName(requestContext.functionArn)
  if (!KinesisBatchInfo || payload === undefined) return [fromChanges(text, name, Date.parse(timestamp), context)]
  const missedBySearch = name === context.rawEventsFunction
  const { Records } = typeof payload === 'string' ? (JSON.parse(payload) as KinesisEvent) : payload
  return Records.flatMap(({ kinesis }) =>
    fromRecord(kinesis.data, {
      ...(missedBySearch ? { code: 'not_indexed', only: 'search' } : { code: 'record_unread', only: undefined }),
      arrived: Math.trunc(kinesis.approximateArrivalTimestamp * 1000),
      eventTypes: context.eventTypes,
    }),
  )
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
    fromRecord(rawData, { code: 'not_archived', only: 'archive', arrived: arrivalTimestamp, eventTypes }),
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
const fromRecord = (base64: string, missed: MissedRecord): QuarantinedEvent[] =>
  linesOf(Buffer.from(base64, 'base64').toString()).map((line, position) => ({
    ...fromMissedLine(line, missed),
    position,
  }))

function fromMissedLine(line: string, { code, only, arrived, eventTypes }: MissedRecord): QuarantinedEvent {
  const plain = withoutReaderMark(line)
  try {
    const { type, id, source, received } = fromLine(plain.line, eventTypes)
    const reader = only ?? plain.only
    const body = reader ? lineForReader(reader, plain.line) : plain.line
    return { code, message: rejections[code].help, type, id, keyName: source, received, form: 'line', body }
  } catch {
    return unrecognisedLine(line, arrived)
  }
}

const linesOf = (text: string): string[] => text.split('\n').filter(line => line !== '')

const jsonLines = <T>(text: string): T[] => linesOf(text).map(line => JSON.parse(line) as T)
