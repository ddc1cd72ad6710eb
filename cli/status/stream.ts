import {
  ExpiredIteratorException,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  type _Record as KinesisRecord,
  ListShardsCommand,
} from '@aws-sdk/client-kinesis'
import type { RawEventSettings } from '../../shared/raw-events.ts'
import type { StreamFacts } from './facts.ts'
import { streamCollector } from './stream-facts.ts'

const RECORDS_PER_READ = 10_000

/** Returns a function that reads the whole stream. Each call reads only new records. */
export function streamReader(client: KinesisClient, name: string, rawEvents: RawEventSettings): () => Promise<StreamFacts> {
  const collector = streamCollector(rawEvents)
  const readers = new Map<string, () => Promise<KinesisRecord[]>>()
  return async () => {
    for (const shard of await listShards(client, name)) {
      const read = readers.get(shard) ?? shardReader(client, name, shard)
      readers.set(shard, read)
      for (const record of await read()) collector.add(shard, record)
    }
    return collector.facts
  }
}

/** All records of the stream. */
export async function readRecords(client: KinesisClient, name: string): Promise<KinesisRecord[]> {
  const shards = await listShards(client, name)
  return (await Promise.all(shards.map(shard => shardReader(client, name, shard)()))).flat()
}

/** The ids of all shards, open and closed. Shard ids increase, so sorting puts parents before their children. */
async function listShards(client: KinesisClient, name: string): Promise<string[]> {
  const shards: string[] = []
  let next: string | undefined
  do {
    const page = await client.send(new ListShardsCommand(next ? { NextToken: next } : { StreamName: name }))
    shards.push(...(page.Shards ?? []).flatMap(({ ShardId }) => ShardId ?? []))
    next = page.NextToken
  } while (next)
  return shards.sort()
}

/** Returns a function that reads the new records of a shard. A closed shard that was read to its end has none. */
function shardReader(client: KinesisClient, name: string, shard: string): () => Promise<KinesisRecord[]> {
  let iterator: string | undefined
  let last: string | undefined
  let closed = false
  const readPage = async () => {
    iterator ??= await openIterator(client, name, shard, last)
    return client.send(new GetRecordsCommand({ ShardIterator: iterator, Limit: RECORDS_PER_READ }))
  }
  const readPageAgain = (error: unknown) => {
    if (!(error instanceof ExpiredIteratorException)) throw error
    iterator = undefined
    return readPage()
  }
  return async () => {
    const records: KinesisRecord[] = []
    while (!closed) {
      const { Records = [], NextShardIterator, MillisBehindLatest = 0 } = await readPage().catch(readPageAgain)
      records.push(...Records)
      last = Records.at(-1)?.SequenceNumber ?? last
      iterator = NextShardIterator
      closed = iterator === undefined
      if (Records.length === 0 && MillisBehindLatest === 0) break
    }
    return records
  }
}

/** An iterator after the sequence number `last`, or at the oldest record of the shard. */
async function openIterator(client: KinesisClient, name: string, shard: string, last: string | undefined) {
  const position = last
    ? ({ ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: last } as const)
    : ({ ShardIteratorType: 'TRIM_HORIZON' } as const)
  const command = new GetShardIteratorCommand({ StreamName: name, ShardId: shard, ...position })
  return (await client.send(command)).ShardIterator
}
