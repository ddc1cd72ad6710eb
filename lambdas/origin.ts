import type { APIGatewayProxyEventV2, DynamoDBRecord, KinesisStreamRecord } from 'aws-lambda'
import { grains } from '../shared/grains/grains.ts'
import { arrivalOfOrder, bySequenceNumber } from '../shared/order.ts'
import { type ItemKey, isUserItemKey } from '../shared/state.ts'

/** Where the input of an invocation comes from. It makes a request traceable through the logs to its documents. */
export interface Origin {
  /**
   * Ids for the log line. For a request: `apiRequestId`, the gateway's id. For a batch: `records`, their number, and `from` and
   * `to`, its first and last sequence number. For a batch of events also `shard`. For a batch of changes of states also
   * `foldedFrom` and `foldedTo`: the lowest and the highest sequence number in the event stream up to which they are folded.
   */
  readonly ids: Readonly<Record<string, string | number>>
  /** When the oldest event of a batch arrived in the event stream, in seconds since 1970. Undefined for any other input. */
  readonly arrived: number | undefined
  /** When the event record with this sequence number arrived, in seconds since 1970. */
  arrivalOf(sequenceNumber: string): number | undefined
}

type Input = Partial<Pick<APIGatewayProxyEventV2, 'requestContext'>> & {
  readonly Records?: readonly (KinesisStreamRecord | DynamoDBRecord)[]
}

/** Reads the origin of the input of any function. */
export function originOf(input: unknown): Origin {
  const { requestContext, Records = [] } = (input ?? {}) as Input
  const records = Records.length
  if (Records.every(isKinesis) && Records[0])
    return {
      ids: { records, ...idsOfRecords(Records) },
      arrived: arrivalOf(Records[0]),
      arrivalOf: sequenceNumber => Records.filter(isKinesis).find(isAt(sequenceNumber))?.kinesis.approximateArrivalTimestamp,
    }
  if (Records.every(isChange) && Records[0])
    return { ids: { records, ...idsOfChanges(Records) }, arrived: Math.min(...Records.map(changedArrival)), arrivalOf: unknown }
  return {
    ids: requestContext?.requestId ? { apiRequestId: requestContext.requestId } : {},
    arrived: undefined,
    arrivalOf: unknown,
  }
}

const unknown = (): undefined => undefined

const isAt =
  (sequenceNumber: string) =>
  ({ kinesis }: KinesisStreamRecord): boolean =>
    kinesis.sequenceNumber === sequenceNumber

const isKinesis = (record: object): record is KinesisStreamRecord => 'kinesis' in record
const isChange = (record: object): record is DynamoDBRecord => 'dynamodb' in record

/** The event id of a Kinesis record is `shardId-…:sequence`. */
const idsOfRecords = (records: readonly KinesisStreamRecord[]) => ({
  shard: records[0]?.eventID.split(':')[0] ?? '',
  from: records[0]?.kinesis.sequenceNumber ?? '',
  to: records.at(-1)?.kinesis.sequenceNumber ?? '',
})

const arrivalOf = ({ kinesis }: KinesisStreamRecord): number => kinesis.approximateArrivalTimestamp

function idsOfChanges(changes: readonly DynamoDBRecord[]) {
  const folded = changes.flatMap(change => (isUserItemKey(keyOf(change)) ? [textOf(change, 'seq')] : [])).sort(bySequenceNumber)
  const [foldedFrom, foldedTo] = [folded[0], folded.at(-1)]
  return {
    from: changes[0]?.dynamodb?.SequenceNumber ?? '',
    to: changes.at(-1)?.dynamodb?.SequenceNumber ?? '',
    ...(foldedFrom && foldedTo && { foldedFrom, foldedTo }),
  }
}

/**
 * When the newest event of a changed item arrived, in seconds since 1970. The version of a state or of a user's window is
 * derived from that arrival. For any other change it is the time of the change.
 */
const changedArrival = (change: DynamoDBRecord): number =>
  isOfOneUser(keyOf(change))
    ? arrivalOfOrder(Number(change.dynamodb?.NewImage?.['version']?.N)) / 1000
    : (change.dynamodb?.ApproximateCreationDateTime ?? Number.POSITIVE_INFINITY)

const textOf = ({ dynamodb }: DynamoDBRecord, name: string): string => dynamodb?.NewImage?.[name]?.S ?? ''
const keyOf = (change: DynamoDBRecord): ItemKey => ({ pk: textOf(change, 'pk'), sk: textOf(change, 'sk') })
const isOfOneUser = (key: ItemKey): boolean =>
  isUserItemKey(key) || grains.some(({ parts }) => parts?.ofOneUser && parts.readKey(key) !== undefined)
