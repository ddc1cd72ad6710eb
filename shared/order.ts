/** Compares sequence numbers of a stream by value. They have up to 56 digits; those of the local cloud begin with zeros. */
export function bySequenceNumber(a: string, b: string): number {
  if (a.length === b.length) return a < b ? -1 : a > b ? 1 : 0
  const digits = Math.max(a.length, b.length)
  return bySequenceNumber(a.padStart(digits, '0'), b.padStart(digits, '0'))
}

const MICROS_PER_MILLISECOND = 1000

/**
 * The order number of a user's next record: its arrival in microseconds since 1970, or the previous order number + 1 if that is
 * greater. It never restarts, and it is the version of the user's documents.
 */
export const nextOrder = (previous: number, receivedMs: number): number =>
  Math.max(previous + 1, receivedMs * MICROS_PER_MILLISECOND)

/** More than replays raise the version of a window. In microseconds, about a second. */
const MOST_REPLAYS = 2 ** 20

/**
 * The order number of an erasure whose record would have this one. A replay raises the version of a window and of its document above
 * the order number of its last delta, by one: an erasure is above the versions of all windows that it covers.
 */
export const erasureOrder = (order: number): number => order + MOST_REPLAYS

/** Order numbers are later than 2020. */
const LEAST_ORDER = Date.UTC(2020, 0) * MICROS_PER_MILLISECOND

/** Whether a version is an order number. The count of writes is far smaller. */
export const isOrder = (version: number): boolean => version >= LEAST_ORDER

/** The arrival time of an order number, in milliseconds since 1970 with decimals. */
export const arrivalOfOrder = (order: number): number => order / MICROS_PER_MILLISECOND
