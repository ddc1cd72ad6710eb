import type { APIGatewayProxyEventV2, DynamoDBRecord, KinesisStreamRecord } from 'aws-lambda'

/** What a call's input says of where it came from, so that a request can be followed through the logs to its documents. */
export interface Origin {
  /** Ids for the log line: the gateway's of a request, or of a batch its shard and the first and last sequence number. */
  readonly ids: Readonly<Record<string, string | number>>
  /** When the oldest record of a batch came into its stream, in seconds since 1970; undefined for what is no batch. */
  readonly arrived: number | undefined
}

type Batch = readonly (KinesisStreamRecord | DynamoDBRecord)[]

/** Reads the origin of any input; a request is followed by `apiRequestId`, a record by the sequence numbers around it. */
export function originOf(input: unknown): Origin {
  const { requestContext, Records } = (input ?? {}) as Partial<APIGatewayProxyEventV2> & { Records?: Batch }
  const [first] = Records ?? []
  const last = Records?.at(-1)
  if (first && last) {
    const ids = { records: Records?.length ?? 0, shard: shardOf(first), from: sequenceOf(first), to: sequenceOf(last) }
    return { ids, arrived: arrivalOf(first) }
  }
  return { ids: requestContext?.requestId ? { apiRequestId: requestContext.requestId } : {}, arrived: undefined }
}

const isKinesis = (record: KinesisStreamRecord | DynamoDBRecord): record is KinesisStreamRecord => 'kinesis' in record

/** Kinesis says `shardId-…:sequence` in its event id; a table's stream does not say. */
const shardOf = (record: KinesisStreamRecord | DynamoDBRecord): string =>
  isKinesis(record) ? (record.eventID.split(':')[0] ?? '') : ''

const sequenceOf = (record: KinesisStreamRecord | DynamoDBRecord): string =>
  (isKinesis(record) ? record.kinesis.sequenceNumber : record.dynamodb?.SequenceNumber) ?? ''

const arrivalOf = (record: KinesisStreamRecord | DynamoDBRecord): number | undefined =>
  isKinesis(record) ? record.kinesis.approximateArrivalTimestamp : record.dynamodb?.ApproximateCreationDateTime
