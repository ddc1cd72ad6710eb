import { bySequence } from '../../shared/sequence.ts'
import type { Facts } from './lines.ts'

/** Neighbouring records of the event stream, from the first to the last; without a shard where only a state tells of them. */
export interface Span {
  readonly shard?: string
  readonly from: string
  readonly to: string
}

/** The records that a call was about: those a request stored, those of a batch, or those that changed states were folded up to. */
export function spansOf({ stored, shard, from, to, foldedFrom, foldedTo }: Facts): readonly Span[] {
  if (Array.isArray(stored)) return stored as Span[]
  if (shard) return [{ shard: String(shard), from: String(from), to: String(to) }]
  return foldedFrom ? [{ from: String(foldedFrom), to: String(foldedTo) }] : []
}

/** Whether a call may have been about some of these records. */
export const isAbout = (facts: Facts, spans: readonly Span[]): boolean =>
  spansOf(facts).some(own => spans.some(span => meets(own, span)))

const meets = (a: Span, b: Span): boolean =>
  (!a.shard || !b.shard || a.shard === b.shard) && bySequence(a.from, b.to) <= 0 && bySequence(b.from, a.to) <= 0

/** A batch folds a state up to the last record of its user: a change by one of these records may tell of any up to its batch's end. */
export const foldedUpTo = (spans: readonly Span[], batches: readonly Facts[]): Span[] =>
  spans.map(span => {
    const ends = batches.flatMap(spansOf).flatMap(batch => (meets(batch, span) ? [batch.to] : []))
    return { from: span.from, to: [span.to, ...ends].toSorted(bySequence).at(-1) ?? span.to }
  })

/** A span in the shards of the batches that may have held it. */
export const withShards = (span: Span, batches: readonly Facts[]): Span[] =>
  batches.flatMap(spansOf).flatMap(batch => (meets(batch, span) ? [{ ...batch, ...span }] : []))
