import {
  ExpiredIteratorException,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  type _Record as KinesisRecord,
  ListShardsCommand,
} from '@aws-sdk/client-kinesis'

/** Kinesis allows five calls a second for all readers of a shard, and the product has three or four. */
const CALL_INTERVAL_MS = 1_000
const MAX_CALL_INTERVAL_MS = 8_000
/** A shard gives 2 MB a second to all its readers together. */
const BYTES_PER_SECOND = 500_000
const RECORDS_PER_CALL = 1_000
const CALLS_PER_READ = 10
/** The newest records that are kept of each shard. */
const KEPT_RECORDS = 100
/** Errors of Kinesis and of the connection that go away by waiting. */
const PASSING = new Set(['ProvisionedThroughputExceededException', 'LimitExceededException', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT'])

/** When records of interest arrived, in milliseconds since 1970. */
export interface Arrivals {
  readonly from: number
  readonly to: number
}

export interface Clock {
  now(): number
  sleep(milliseconds: number): Promise<unknown>
}

/** The newest records of each shard. */
export interface StreamTail {
  readonly records: readonly { readonly shard: string; readonly record: KinesisRecord }[]
  readonly shards: readonly string[]
  /** Whether every shard was read to its end, or to a record that arrived later. */
  readonly isComplete: boolean
}

/**
 * Returns a function that reads on in the part of a stream that arrived in this time. It calls each shard at most once a second, and
 * less often while Kinesis throttles, so that the product's own readers keep their share. Each call makes at most ten calls a shard.
 */
export function tailReader(client: KinesisClient, name: string, arrivals: Arrivals, clock: Clock): () => Promise<StreamTail> {
  const readers = new Map<string, ShardReader>()
  return async () => {
    for (const shard of await listShards(client, name, arrivals))
      if (!readers.has(shard)) readers.set(shard, shardReader(client, name, shard, arrivals, clock))
    const read = await Promise.all([...readers].map(async ([shard, reader]) => ({ shard, ...(await reader()) })))
    return {
      records: read.flatMap(({ shard, newest }) => newest.map(record => ({ shard, record }))),
      shards: [...readers.keys()],
      isComplete: read.every(({ isComplete }) => isComplete),
    }
  }
}

/** The shards that may have records of this time. */
async function listShards(client: KinesisClient, StreamName: string, { from }: Arrivals): Promise<string[]> {
  const shards: string[] = []
  const filter = { Type: 'FROM_TIMESTAMP', Timestamp: new Date(from) } as const
  let next: string | undefined
  do {
    const command = new ListShardsCommand(next ? { NextToken: next } : { StreamName, ShardFilter: filter })
    const page = await client.send(command)
    shards.push(...(page.Shards ?? []).flatMap(({ ShardId }) => ShardId ?? []))
    next = page.NextToken
  } while (next)
  return shards
}

type ShardReader = () => Promise<{ readonly newest: readonly KinesisRecord[]; readonly isComplete: boolean }>

function shardReader(
  client: KinesisClient,
  StreamName: string,
  ShardId: string,
  { from, to }: Arrivals,
  clock: Clock,
): ShardReader {
  let newest: KinesisRecord[] = []
  let iterator: string | undefined
  let isComplete = false
  let interval = CALL_INTERVAL_MS
  let nextCall = 0

  const openIterator = async (): Promise<string | undefined> => {
    const last = newest.at(-1)?.SequenceNumber
    const position = last
      ? ({ ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: last } as const)
      : ({ ShardIteratorType: 'AT_TIMESTAMP', Timestamp: new Date(from) } as const)
    return (await client.send(new GetShardIteratorCommand({ StreamName, ShardId, ...position }))).ShardIterator
  }

  const readPage = async (): Promise<void> => {
    iterator ??= await openIterator()
    const page = await client.send(new GetRecordsCommand({ ShardIterator: iterator, Limit: RECORDS_PER_CALL }))
    const { Records = [], NextShardIterator, MillisBehindLatest = 0 } = page
    const wanted = Records.filter(record => arrivalOf(record) <= to)
    newest = [...newest, ...wanted].slice(-KEPT_RECORDS)
    iterator = NextShardIterator
    // An empty page may be followed by records, unless it is at the end of the shard.
    const isAtEnd = Records.length === 0 && MillisBehindLatest === 0
    isComplete = iterator === undefined || isAtEnd || wanted.length < Records.length || clock.now() - MillisBehindLatest > to
    interval = Math.max(CALL_INTERVAL_MS, (bytesOf(Records) / BYTES_PER_SECOND) * 1000)
  }

  const recover = (error: unknown): void => {
    if (error instanceof ExpiredIteratorException) iterator = undefined
    else if (isPassing(error)) interval = Math.min(2 * interval, MAX_CALL_INTERVAL_MS)
    else throw error
  }

  return async () => {
    for (let call = 0; call < CALLS_PER_READ && !isComplete; call++) {
      await clock.sleep(Math.max(0, nextCall - clock.now()))
      await readPage().catch(recover)
      nextCall = clock.now() + interval
    }
    return { newest, isComplete }
  }
}

const arrivalOf = ({ ApproximateArrivalTimestamp }: KinesisRecord): number => ApproximateArrivalTimestamp?.getTime() ?? 0

const bytesOf = (records: readonly KinesisRecord[]): number => records.reduce((sum, { Data }) => sum + (Data?.byteLength ?? 0), 0)

function isPassing(error: unknown): boolean {
  const { name = '', code = '', $metadata } = error as { name?: string; code?: string; $metadata?: { httpStatusCode?: number } }
  return PASSING.has(name) || PASSING.has(code) || ($metadata?.httpStatusCode ?? 0) >= 500
}
