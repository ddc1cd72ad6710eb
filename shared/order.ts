/** Orders sequence numbers of a stream by value: they have up to 56 digits, and the local cloud's begin with zeros. */
export function bySequenceNumber(a: string, b: string): number {
  const digits = Math.max(a.length, b.length)
  const [first, second] = [a.padStart(digits, '0'), b.padStart(digits, '0')]
  return first < second ? -1 : first > second ? 1 : 0
}
