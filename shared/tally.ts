import { formatCount, MAX_TALLY_TEXTS } from './limits.ts'
import { StateFull } from './state-full.ts'

/** Compares strings by code point, which is the order of their UTF-8 bytes. `<` would compare UTF-16 units. */
const byCodePoint = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** The count of each text, sorted by code point. An array of pairs, because a text may be `__proto__`. */
export type Tally = readonly (readonly [text: string, count: number])[]

/**
 * Adds `by` to the count of one text. Throws a StateFull if the text is a new one and the tally has MAX_TALLY_TEXTS: counting several
 * texts as one could change which has most.
 */
export function tally(counts: Tally, text: string, by = 1): Tally {
  const at = positionOf(counts, text)
  if (counts[at]?.[0] === text) return counts.with(at, [text, (counts[at]?.[1] ?? 0) + by])
  if (counts.length >= MAX_TALLY_TEXTS)
    throw new StateFull(`its tally already counts ${formatCount(MAX_TALLY_TEXTS)} different texts.`)
  return counts.toSpliced(at, 0, [text, by])
}

/** The number of texts before this one. */
function positionOf(counts: Tally, text: string): number {
  let [from, to] = [0, counts.length]
  while (from < to) {
    const middle = Math.floor((from + to) / 2)
    if (byCodePoint(counts[middle]?.[0] ?? '', text) < 0) from = middle + 1
    else to = middle
  }
  return from
}

export const mergeTallies = (stored: Tally, added: Tally): Tally =>
  added.reduce((counts, [text, count]) => tally(counts, text, count), stored)
