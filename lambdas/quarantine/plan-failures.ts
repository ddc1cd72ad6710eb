import type { EventType } from '../../shared/event-type.ts'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import { type RejectionCode, rejections } from '../../shared/rejections.ts'
import { fromLine, type LineReader, lineForReader, withoutReaderMark } from '../../shared/stream-record.ts'

/** What must be known to tell what a failure means. */
export interface FailureContext {
  readonly eventTypes: ReadonlyMap<string, EventType>
  /** Name of the function that brings raw events to OpenSearch; the other reader of the event stream keeps the states. */
  readonly rawEventsFunction: string
  /** Name of the function that brings documents to OpenSearch; the other reader of changes keeps the windows. */
  readonly documentsFunction: string
}

/** The events of an object that `quarantine` wrote: one a line. */
export const fromRefused = (text: string): QuarantinedEvent[] =>
  text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as QuarantinedEvent)

interface DiscardedBatch {
  readonly requestContext: { readonly functionArn: string }
  readonly timestamp: string
  readonly KinesisBatchInfo?: object
  /** The event of the invocation; Lambda's guide shows it as JSON text. */
  readonly payload?: KinesisEvent | string
}

interface KinesisEvent {
  readonly Records: readonly { readonly kinesis: { readonly data: string; readonly approximateArrivalTimestamp: number } }[]
}

/** The events of a batch that Lambda discarded, from what it left in the bucket. Throws when it is no such object. */
export function fromDiscarded(text: string, meaning: FailureContext): QuarantinedEvent[] {
  const { requestContext, timestamp, KinesisBatchInfo, payload } = JSON.parse(text) as DiscardedBatch
  const name = functionName(requestContext.functionArn)
  if (!KinesisBatchInfo || payload === undefined) return [fromChanges(text, name, Date.parse(timestamp), meaning)]
  const forSearch = name === meaning.rawEventsFunction
  const { Records } = typeof payload === 'string' ? (JSON.parse(payload) as KinesisEvent) : payload
  return Records.flatMap(({ kinesis }) =>
    fromRecord(Buffer.from(kinesis.data, 'base64').toString(), {
      ...(forSearch ? { code: 'not_indexed', only: 'search' } : { code: 'record_unread', only: undefined }),
      arrived: Math.trunc(kinesis.approximateArrivalTimestamp * 1000),
      eventTypes: meaning.eventTypes,
    }),
  )
}

const functionName = (arn: string): string => arn.split(':')[6] ?? ''

/** A batch of changes stays whole: its events are in the archive, and its items in the state table. */
const fromChanges = (text: string, name: string, received: number, { documentsFunction }: FailureContext): QuarantinedEvent => ({
  code: 'changes_unread',
  message:
    name === documentsFunction
      ? rejections.changes_unread.help
      : 'Windows miss what these changes add to them: their stream let go of the batch. They can be rebuilt from the archive.',
  type: null,
  id: null,
  keyName: '',
  received,
  form: 'text',
  body: text,
})

interface DeliveryError {
  /** The record, in base64. */
  readonly rawData: string
  /** Milliseconds since 1970. */
  readonly arrivalTimestamp: number
}

/** The events of an object that Firehose wrote about records it could not convert: one JSON object a line. Throws when it is no such object. */
export const fromDeliveryErrors = (text: string, { eventTypes }: FailureContext): QuarantinedEvent[] =>
  text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as DeliveryError)
    .flatMap(({ rawData, arrivalTimestamp }) =>
      fromRecord(Buffer.from(rawData, 'base64').toString(), {
        code: 'not_archived',
        only: 'archive',
        arrived: arrivalTimestamp,
        eventTypes,
      }),
    )

interface MissedRecord {
  readonly code: RejectionCode
  /** The one reader that missed the record; undefined: the states, and all readers get it again. */
  readonly only: LineReader | undefined
  /** Milliseconds since 1970. */
  readonly arrived: number
  readonly eventTypes: ReadonlyMap<string, EventType>
}

/** One event for each line of a record, as the line to put again. */
function fromRecord(text: string, { code, only, arrived, eventTypes }: MissedRecord): QuarantinedEvent[] {
  const lines = text.split('\n').filter(line => line !== '')
  return lines.map((line): QuarantinedEvent => {
    const plain = withoutReaderMark(line)
    try {
      const { type, id, source, received } = fromLine(plain.line, eventTypes)
      const reader = only ?? plain.only
      const body = reader ? lineForReader(reader, plain.line) : plain.line
      return { code, message: rejections[code].help, type, id, keyName: source, received, form: 'line', body }
    } catch {
      const message = 'A line of the stream is not one that ingest wrote; find out who else writes to the stream.'
      return { code: 'invalid_event', message, type: null, id: null, keyName: '', received: arrived, form: 'text', body: line }
    }
  })
}
