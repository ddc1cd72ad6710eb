/** Orders sequence numbers of a stream by value: they have up to 56 digits, and the local cloud's begin with zeros. */
export function bySequenceNumber(a: string, b: string): number {
  const digits = Math.max(a.length, b.length)
  const [first, second] = [a.padStart(digits, '0'), b.padStart(digits, '0')]
  return first < second ? -1 : first > second ? 1 : 0
}

/**
 * The order number of a user's next record: its arrival in microseconds, but always greater than the previous order number.
 * It never restarts, and it is the version of the user's documents.
 */
export const nextOrder = (previous: number, receivedMs: number): number => Math.max(previous + 1, receivedMs * 1000)

/** The arrival that an order number stands for, in milliseconds since 1970 with decimals. */
export const arrivalOfOrder = (order: number): number => order / 1000
