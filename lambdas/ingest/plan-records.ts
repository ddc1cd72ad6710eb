import type { Event } from '../../shared/event.ts'
import type { EventType } from '../../shared/event-type.ts'
import { BYTES_PER_CALL, MAX_EVENTS_PER_RECORD, MAX_RECORD_BYTES, RECORDS_PER_CALL } from '../../shared/limits.ts'
import { bySequenceNumber } from '../../shared/order.ts'
import { splitBySize } from '../../shared/split-by-size.ts'
import { toLine } from '../../shared/stream-record.ts'

/** One record for the stream: the events of one user in one request, one line per event. */
export interface StreamRecord {
  readonly partitionKey: string
  readonly data: string
  /** Length of `data` in bytes of UTF-8. */
  readonly bytes: number
}

/** A line, and what it is a line of. */
export interface LineOf<Origin> {
  readonly line: string
  readonly origin: Origin
}

/** A record with the origins of its lines. */
export interface PackedRecord<Origin> extends StreamRecord {
  readonly origins: readonly Origin[]
}

/** A record that Kinesis does not accept, whenever it is sent. */
export interface RefusedRecord {
  readonly record: StreamRecord
  /** What Kinesis says about it. It does not quote the record. */
  readonly reason: string
}

/** The records of a request that are in the stream, and those that never will be. */
export interface PutOutcome {
  readonly positions: readonly StreamPosition[]
  readonly refused: readonly RefusedRecord[]
}

/**
 * Packs events into records. All events of a record have the same user, so each user's events stay in order. Packing saves
 * cost: Firehose bills each record as at least 5 KB.
 */
export function packRecords(events: readonly Event[], eventTypes: ReadonlyMap<string, EventType>): PackedRecord<Event>[] {
  const groups = Map.groupBy(events, recordGroupOf)
  return [...groups.values()].flatMap(group =>
    packLines(
      group[0] ? partitionKeyOf(group[0]) : '',
      group.map(event => ({ line: toLine(event, eventTypes.get(event.type)), origin: event })),
    ),
  )
}

/** The user; for an event without a user its id, which spreads such events over the shards. */
export const partitionKeyOf = ({ subject, id }: Event): string => subject ?? id

/** Events of one group may share a record. An event without a user never shares the record of a user that equals its id. */
export const recordGroupOf = ({ subject, id }: Event): string => (subject === null ? `id ${id}` : `user ${subject}`)

/** Packs the lines of one user into records, in order. */
export function packLines<Origin>(partitionKey: string, lines: readonly LineOf<Origin>[]): PackedRecord<Origin>[] {
  const sized = lines.map(({ line, origin }) => ({ text: `${line}\n`, bytes: Buffer.byteLength(line) + 1, origin }))
  return splitBySize(sized, ({ bytes }) => bytes, MAX_EVENTS_PER_RECORD, MAX_RECORD_BYTES).map(chunk => ({
    partitionKey,
    data: chunk.map(({ text }) => text).join(''),
    bytes: chunk.reduce((sum, { bytes }) => sum + bytes, 0),
    origins: chunk.map(({ origin }) => origin),
  }))
}

/**
 * Groups records into rounds, to be put one after another. PutRecords does not keep the order of its records, so a round has
 * at most one record per user.
 */
export function planRounds(records: readonly StreamRecord[]): StreamRecord[][] {
  const nextRound = new Map<string, number>()
  const rounds: StreamRecord[][] = []
  for (const record of records) {
    const round = nextRound.get(record.partitionKey) ?? 0
    nextRound.set(record.partitionKey, round + 1)
    const inRound = rounds[round] ?? []
    rounds[round] = inRound
    inRound.push(record)
  }
  return rounds
}

/** Splits a round into PutRecords calls. */
export const planCalls = (round: readonly StreamRecord[]): StreamRecord[][] =>
  splitBySize(round, ({ bytes }) => bytes, RECORDS_PER_CALL, BYTES_PER_CALL)

/** The result for one record in the response to PutRecords. */
interface PutResult {
  readonly ErrorCode?: string | undefined
  readonly ShardId?: string | undefined
  readonly SequenceNumber?: string | undefined
}

/** The records of a call that Kinesis did not store and that must be put again. */
export const notStored = (call: readonly StreamRecord[], results: readonly PutResult[]): StreamRecord[] =>
  call.filter((_, i) => results[i] === undefined || results[i].ErrorCode !== undefined)

/** The position of a record in the stream. */
export interface StreamPosition {
  readonly shard: string
  readonly sequence: string
}

/** The positions of the records of a call that Kinesis stored. */
export const positionsIn = (results: readonly PutResult[]): StreamPosition[] =>
  results.flatMap(({ ErrorCode, ShardId = '', SequenceNumber = '' }) =>
    ErrorCode === undefined ? [{ shard: ShardId, sequence: SequenceNumber }] : [],
  )

/** The first and the last sequence number of records in one shard. Without `to`, there is one record. */
export type SequenceRange = { readonly shard: string; readonly from: string; readonly to?: string }

/** One range per shard, in the order in which the shards first occur. */
export function rangesByShard(positions: readonly StreamPosition[]): SequenceRange[] {
  const positionsByShard = Map.groupBy(positions, ({ shard }) => shard)
  return [...positionsByShard].map(([shard, group]) => {
    const sequences = group.map(({ sequence }) => sequence).sort(bySequenceNumber)
    const [from = ''] = sequences
    const to = sequences.at(-1) ?? ''
    return { shard, from, ...(to !== from && { to }) }
  })
}
