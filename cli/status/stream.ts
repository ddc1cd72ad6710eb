import {
  ExpiredIteratorException,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  type _Record as KinesisRecord,
  ListShardsCommand,
} from '@aws-sdk/client-kinesis'
import { eventTypes, projections } from '../../shared/catalogue.ts'
import { ERASURE_TYPE, type Event } from '../../shared/event.ts'
import { projectionKey, windowStart } from '../../shared/projection.ts'
import { type RawEventSettings, rawDocumentOf } from '../../shared/raw-events.ts'
import { fromLines } from '../../shared/stream-record.ts'
import { type Delivery, type Identity, identityOf, refText, type StreamFacts, type StreamRecord } from './facts.ts'

const catalogue = new Map(eventTypes.map(type => [type.name, type]))
const DAY_MS = 86_400_000
const RECORDS_PER_READ = 10_000

/** Reads the whole stream, and on every further call what has come since. */
export function streamReader(client: KinesisClient, name: string, rawEvents: RawEventSettings): () => Promise<StreamFacts> {
  const deliveries = new Map<Identity, Delivery>()
  const recordsOf = new Map<string, StreamRecord[]>()
  const shards = new Map<string, () => Promise<KinesisRecord[]>>()

  const take = (shard: string, { SequenceNumber: sequenceNumber = '', Data }: KinesisRecord): void => {
    const events = eventsOf(Buffer.from(Data ?? []).toString())
    const first = events.filter(event => !deliveries.has(identityOf(event)))
    for (const event of first) {
      const identity = identityOf(event)
      deliveries.set(identity, {
        identity,
        user: event.subject,
        shard,
        sequenceNumber,
        raw: standingPlace(event, rawEvents),
      })
    }
    const [{ subject: user, received } = { subject: null, received: 0 }] = events.filter(({ type }) => isFolded(type))
    if (user === null) return
    const records = recordsOf.get(user) ?? []
    records.push({ sequenceNumber, received, windows: windowsOf(user, first) })
    recordsOf.set(user, records)
  }

  return async () => {
    for (const shard of await listShards(client, name)) {
      const read = shards.get(shard) ?? shardReader(client, name, shard)
      shards.set(shard, read)
      for (const record of await read()) take(shard, record)
    }
    return { deliveries, recordsOf }
  }
}

/** Open and closed shards; their names grow, so parents come before their children. */
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

/** What a shard holds that was not read before; nothing once a closed shard is read to its end. */
function shardReader(client: KinesisClient, name: string, shard: string): () => Promise<KinesisRecord[]> {
  let iterator: string | undefined
  let last: string | undefined
  let closed = false
  const open = async () => {
    const position = last
      ? ({ ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: last } as const)
      : ({ ShardIteratorType: 'TRIM_HORIZON' } as const)
    return (await client.send(new GetShardIteratorCommand({ StreamName: name, ShardId: shard, ...position }))).ShardIterator
  }
  const page = async () => {
    iterator ??= await open()
    try {
      return await client.send(new GetRecordsCommand({ ShardIterator: iterator, Limit: RECORDS_PER_READ }))
    } catch (error) {
      if (!(error instanceof ExpiredIteratorException)) throw error
      iterator = await open()
      return await client.send(new GetRecordsCommand({ ShardIterator: iterator, Limit: RECORDS_PER_READ }))
    }
  }
  return async () => {
    const records: KinesisRecord[] = []
    while (!closed) {
      const { Records = [], NextShardIterator, MillisBehindLatest = 0 } = await page()
      records.push(...Records)
      last = Records.at(-1)?.SequenceNumber ?? last
      iterator = NextShardIterator
      closed = iterator === undefined
      if (Records.length === 0 && MillisBehindLatest === 0) break
    }
    return records
  }
}

/** Where a raw event's document must stand; what was received before the retention, and replayed, may be gone already. */
const standingPlace = (event: Event, rawEvents: RawEventSettings) =>
  event.received > Date.now() - rawEvents.retentionDays * DAY_MS ? rawDocumentOf(event, rawEvents) : undefined

const isFolded = (type: string): boolean => projections.some(({ on }) => on.name === type)

/** The events of a record; lines that are none of ours are quarantined by the state function. */
const eventsOf = (text: string): Event[] => fromLines(text, catalogue).events.filter(({ type }) => type !== ERASURE_TYPE)

/** The events of one user by the windows that they are folded into. */
function windowsOf(user: string, events: readonly Event[]): Map<string, Identity[]> {
  const windows = new Map<string, Identity[]>()
  for (const event of events) {
    for (const projection of projections) {
      if (projection.scope === 'user' || projection.on.name !== event.type || !projection.where(event)) continue
      const window = refText({ user, projection: projectionKey(projection), start: windowStart(projection, event) })
      const identities = windows.get(window) ?? []
      identities.push(identityOf(event))
      windows.set(window, identities)
    }
  }
  return windows
}
