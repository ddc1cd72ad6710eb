import type { Event } from '../../shared/event.ts'
import type { EventType } from '../../shared/event-type.ts'
import { BYTES_PER_CALL, MAX_EVENTS_PER_RECORD, MAX_RECORD_BYTES, RECORDS_PER_CALL } from '../../shared/limits.ts'
import { bySequenceNumber } from '../../shared/order.ts'
import { toLine } from '../../shared/stream-record.ts'

/** One record for the stream: events of one user, received together, as lines. */
export interface StreamRecord {
  readonly partitionKey: string
  readonly data: string
  readonly bytes: number
}

/**
 * Packs events into records. A record never mixes users, so that each user's order is the stream's; packing is what makes
 * the archive cheap, since Firehose bills each record as at least 5 KB.
 */
export function packRecords(events: readonly Event[], eventTypes: ReadonlyMap<string, EventType>): StreamRecord[] {
  const users = Map.groupBy(events, partitionKeyOf)
  return [...users].flatMap(([partitionKey, mine]) =>
    packLines(
      partitionKey,
      mine.map(event => toLine(event, eventTypes.get(event.type))),
    ),
  )
}

/** An event without a user stands for itself. */
export const partitionKeyOf = ({ subject, id }: Event): string => subject ?? id

/** Lines of one user, received together, as records in their order. */
export function packLines(partitionKey: string, texts: readonly string[]): StreamRecord[] {
  const records: StreamRecord[] = []
  let lines: string[] = []
  let bytes = 0
  const close = () => records.push({ partitionKey, data: lines.join(''), bytes })
  for (const text of texts) {
    const line = `${text}\n`
    const lineBytes = Buffer.byteLength(line)
    if (lines.length === MAX_EVENTS_PER_RECORD || (lines.length > 0 && bytes + lineBytes > MAX_RECORD_BYTES)) {
      close()
      lines = []
      bytes = 0
    }
    lines.push(line)
    bytes += lineBytes
  }
  close()
  return records
}

/**
 * Records as the rounds they are put in: PutRecords keeps no order among its records, so a user's second record waits until
 * the first is stored.
 */
export function planRounds(records: readonly StreamRecord[]): StreamRecord[][] {
  const seen = new Map<string, number>()
  const rounds: StreamRecord[][] = []
  for (const record of records) {
    const round = seen.get(record.partitionKey) ?? 0
    seen.set(record.partitionKey, round + 1)
    const records = rounds[round] ?? []
    rounds[round] = records
    records.push(record)
  }
  return rounds
}

/** A round as the calls it takes. */
export function planCalls(round: readonly StreamRecord[]): StreamRecord[][] {
  const calls: StreamRecord[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const record of round) {
    const last = calls.at(-1)
    if (!last || last.length === RECORDS_PER_CALL || bytes + record.bytes > BYTES_PER_CALL) {
      calls.push([record])
      bytes = record.bytes
    } else {
      last.push(record)
      bytes += record.bytes
    }
  }
  return calls
}

interface PutResult {
  readonly ErrorCode?: string | undefined
  readonly ShardId?: string | undefined
  readonly SequenceNumber?: string | undefined
}

/** The records of a call that Kinesis did not store, to be put again. */
export const notStored = (call: readonly StreamRecord[], results: readonly PutResult[]): StreamRecord[] =>
  call.filter((_, i) => results[i] === undefined || results[i].ErrorCode !== undefined)

/** Where a record stands in the stream. */
export interface StreamPosition {
  readonly shard: string
  readonly sequence: string
}

/** Where the records of a call stand that Kinesis stored. */
export const positionsIn = (results: readonly PutResult[]): StreamPosition[] =>
  results.flatMap(({ ErrorCode, ShardId = '', SequenceNumber = '' }) =>
    ErrorCode === undefined ? [{ shard: ShardId, sequence: SequenceNumber }] : [],
  )

/** The first and the last place of records in one shard. */
export type SequenceRange = { readonly shard: string; readonly from: string; readonly to: string }

/** Places by shard, in the order in which the shards came. */
export function rangesByShard(places: readonly StreamPosition[]): SequenceRange[] {
  const shards = Map.groupBy(places, ({ shard }) => shard)
  return [...shards].map(([shard, mine]) => {
    const sequences = mine.map(({ sequence }) => sequence).sort(bySequenceNumber)
    return { shard, from: sequences[0] ?? '', to: sequences.at(-1) ?? '' }
  })
}
