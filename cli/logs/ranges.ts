import { bySequenceNumber } from '../../shared/order.ts'
import type { LogFields } from './lines.ts'

/** A range of records in the event stream, by sequence number, both ends included. */
export interface LogRange {
  /** Undefined if the range comes from states, which do not store the shard. */
  readonly shard?: string
  readonly from: string
  readonly to: string
}

/** The records of an invocation: those that a request stored, those of a batch, or the last ones folded into changed states. */
export function rangesOf({ stored, shard, from, to, foldedFrom, foldedTo }: LogFields): readonly LogRange[] {
  if (Array.isArray(stored))
    return (stored as (Omit<LogRange, 'to'> & { to?: string })[]).map(range => ({ to: range.from, ...range }))
  if (shard) return [{ shard: String(shard), from: String(from), to: String(to) }]
  return foldedFrom ? [{ from: String(foldedFrom), to: String(foldedTo) }] : []
}

/** Whether an invocation may have processed some of these records. */
export const isAbout = (fields: LogFields, ranges: readonly LogRange[]): boolean =>
  rangesOf(fields).some(own => ranges.some(range => overlap(own, range)))

const overlap = (a: LogRange, b: LogRange): boolean =>
  (!a.shard || !b.shard || a.shard === b.shard) && bySequenceNumber(a.from, b.to) <= 0 && bySequenceNumber(b.from, a.to) <= 0

/**
 * Extends each range to the end of the batches that contain it. A batch writes a user's state once, after the user's last record:
 * the change caused by a record of the range can name any later record of the same batch.
 */
export const foldedUpTo = (ranges: readonly LogRange[], batches: readonly LogFields[]): LogRange[] =>
  ranges.map(range => {
    const ends = batches.flatMap(rangesOf).flatMap(batch => (overlap(batch, range) ? [batch.to] : []))
    return { from: range.from, to: [range.to, ...ends].toSorted(bySequenceNumber).at(-1) ?? range.to }
  })

/** The range once per batch that may have contained it, with the shard of the batch. */
export const withShards = (range: LogRange, batches: readonly LogFields[]): LogRange[] =>
  batches.flatMap(rangesOf).flatMap(batch => (overlap(batch, range) ? [{ ...batch, ...range }] : []))
