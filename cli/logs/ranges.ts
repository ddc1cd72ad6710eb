import { bySequenceNumber } from '../../shared/order.ts'
import type { LogFields } from './lines.ts'

/** Neighbouring records of the event stream, from the first to the last; without a shard where only a state tells of them. */
export interface LogRange {
  readonly shard?: string
  readonly from: string
  readonly to: string
}

/** The records that a call was about: those a request stored, those of a batch, or those that changed states were folded up to. */
export function rangesOf({ stored, shard, from, to, foldedFrom, foldedTo }: LogFields): readonly LogRange[] {
  if (Array.isArray(stored)) return stored as LogRange[]
  if (shard) return [{ shard: String(shard), from: String(from), to: String(to) }]
  return foldedFrom ? [{ from: String(foldedFrom), to: String(foldedTo) }] : []
}

/** Whether a call may have been about some of these records. */
export const isAbout = (facts: LogFields, spans: readonly LogRange[]): boolean =>
  rangesOf(facts).some(own => spans.some(span => meets(own, span)))

const meets = (a: LogRange, b: LogRange): boolean =>
  (!a.shard || !b.shard || a.shard === b.shard) && bySequenceNumber(a.from, b.to) <= 0 && bySequenceNumber(b.from, a.to) <= 0

/** A batch folds a state up to the last record of its user: a change by one of these records may tell of any up to its batch's end. */
export const foldedUpTo = (spans: readonly LogRange[], batches: readonly LogFields[]): LogRange[] =>
  spans.map(span => {
    const ends = batches.flatMap(rangesOf).flatMap(batch => (meets(batch, span) ? [batch.to] : []))
    return { from: span.from, to: [span.to, ...ends].toSorted(bySequenceNumber).at(-1) ?? span.to }
  })

/** A span in the shards of the batches that may have held it. */
export const withShards = (span: LogRange, batches: readonly LogFields[]): LogRange[] =>
  batches.flatMap(rangesOf).flatMap(batch => (meets(batch, span) ? [{ ...batch, ...span }] : []))
