import { formatCount, MAX_TALLY_TEXTS } from './limits.ts'
import { StateFull } from './state-full.ts'

/** Compares well-formed strings by code point. `<` would compare UTF-16 units: of the first that differ, a surrogate is the greater one. */
function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at++) {
    const [unitOfA, unitOfB] = [a.charCodeAt(at), b.charCodeAt(at)]
    if (unitOfA !== unitOfB) return Number(isSurrogate(unitOfA)) - Number(isSurrogate(unitOfB)) || unitOfA - unitOfB
  }
  return a.length - b.length
}

const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff

/** The count of each text, sorted by code point. An array of pairs, because a text may be `__proto__`. */
export type Tally = readonly (readonly [text: string, count: number])[]

/**
 * Adds 1 to the count of one text. Throws a StateFull if the text is a new one and the tally has MAX_TALLY_TEXTS: counting several
 * texts as one could change which has most.
 */
export function tally(counts: Tally, text: string): Tally {
  const at = positionOf(counts, text)
  if (counts[at]?.[0] === text) return counts.with(at, [text, (counts[at]?.[1] ?? 0) + 1])
  if (counts.length >= MAX_TALLY_TEXTS)
    throw new StateFull(`its tally already counts ${formatCount(MAX_TALLY_TEXTS)} different texts.`)
  return counts.toSpliced(at, 0, [text, 1])
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

/**
 * The sum of two tallies. It may have more than MAX_TALLY_TEXTS, because the slots of a window are merged into one document: the bytes of
 * its slots limit it.
 */
export function mergeTallies(stored: Tally, added: Tally): Tally {
  const merged: (readonly [string, number])[] = []
  let at = 0
  for (const pair of stored) {
    const [text, count] = pair
    for (let next = added[at]; next && byCodePoint(next[0], text) < 0; next = added[++at]) merged.push(next)
    const same = added[at]?.[0] === text ? added[at++] : undefined
    merged.push(same ? [text, count + same[1]] : pair)
  }
  return [...merged, ...added.slice(at)]
}
