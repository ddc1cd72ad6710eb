import type { APIGatewayProxyEventV2, DynamoDBRecord, KinesisStreamRecord } from 'aws-lambda'
import { arrivalOfOrder, bySequenceNumber } from '../shared/order.ts'
import { itemKind } from '../shared/state.ts'

/** What a call's input says of where it came from, so that a request can be followed through the logs to its documents. */
export interface Origin {
  /**
   * Ids for the log line. Of a request the gateway's; of a batch its first and last sequence number, with its shard or, for
   * changes of states, the least and the greatest sequence number in the event stream up to which those states are folded.
   */
  readonly ids: Readonly<Record<string, string | number>>
  /** When the oldest event of a batch came into the event stream, in seconds since 1970; undefined for what is no batch. */
  readonly arrived: number | undefined
}

/** Reads the origin of any input; a request is followed by `apiRequestId`, a record by the sequence numbers around it. */
export function originOf(input: unknown): Origin {
  const { requestContext, Records = [] } = (input ?? {}) as Partial<APIGatewayProxyEventV2> & {
    Records?: readonly (KinesisStreamRecord | DynamoDBRecord)[]
  }
  const records = Records.length
  if (Records.every(isKinesis) && Records[0])
    return { ids: { records, ...idsOfRecords(Records) }, arrived: arrivalOf(Records[0]) }
  if (Records.every(isChange) && Records[0])
    return { ids: { records, ...idsOfChanges(Records) }, arrived: Math.min(...Records.map(changedArrival)) }
  return { ids: requestContext?.requestId ? { apiRequestId: requestContext.requestId } : {}, arrived: undefined }
}

const isKinesis = (record: object): record is KinesisStreamRecord => 'kinesis' in record
const isChange = (record: object): record is DynamoDBRecord => 'dynamodb' in record

/** Kinesis says `shardId-…:sequence` in its event id. */
const idsOfRecords = (records: readonly KinesisStreamRecord[]) => ({
  shard: records[0]?.eventID.split(':')[0] ?? '',
  from: records[0]?.kinesis.sequenceNumber ?? '',
  to: records.at(-1)?.kinesis.sequenceNumber ?? '',
})

const arrivalOf = ({ kinesis }: KinesisStreamRecord): number => kinesis.approximateArrivalTimestamp

function idsOfChanges(changes: readonly DynamoDBRecord[]) {
  const folded = changes.flatMap(change => (kindOf(change) === 'user' ? [textOf(change, 'seq')] : [])).sort(bySequenceNumber)
  const [foldedFrom, foldedTo] = [folded[0], folded.at(-1)]
  return {
    from: changes[0]?.dynamodb?.SequenceNumber ?? '',
    to: changes.at(-1)?.dynamodb?.SequenceNumber ?? '',
    ...(foldedFrom && foldedTo && { foldedFrom, foldedTo }),
  }
}

/** The version of a state or a user's window is when its newest event arrived, in microseconds; a change of anything else is its own beginning. */
const changedArrival = (change: DynamoDBRecord): number =>
  ['user', 'window'].includes(kindOf(change))
    ? arrivalOfOrder(Number(change.dynamodb?.NewImage?.['version']?.N)) / 1000
    : (change.dynamodb?.ApproximateCreationDateTime ?? Number.POSITIVE_INFINITY)

const textOf = ({ dynamodb }: DynamoDBRecord, name: string): string => dynamodb?.NewImage?.[name]?.S ?? ''
const kindOf = (change: DynamoDBRecord) => itemKind({ pk: textOf(change, 'pk'), sk: textOf(change, 'sk') })
