/** Compares strings by code point, which is the order of their UTF-8 bytes. `<` would compare UTF-16 units. */
const byCodePoint = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** The count of each text, sorted by code point. An array of pairs, because a text may be `__proto__`. */
export type Tally = readonly (readonly [text: string, count: number])[]

/** Adds `by` to the count of one text. */
export function tally(counts: Tally, text: string, by = 1): Tally {
  const at = counts.findIndex(([other]) => byCodePoint(other, text) >= 0)
  const found = at >= 0 && counts[at]?.[0] === text
  if (found) return counts.with(at, [text, (counts[at]?.[1] ?? 0) + by])
  return counts.toSpliced(at < 0 ? counts.length : at, 0, [text, by])
}

export const mergeTallies = (stored: Tally, added: Tally): Tally =>
  added.reduce((counts, [text, count]) => tally(counts, text, count), stored)
