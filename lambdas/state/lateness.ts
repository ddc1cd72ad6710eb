/** How long after its window's end an event still counts. */
export interface LatenessBound {
  /** Milliseconds. Undefined: no limit. */
  readonly latenessMs: number | undefined
  /** A shorter bound of earlier deployments, which still holds for the windows that could expire under it. */
  readonly shorter?: ShorterBound
}

interface ShorterBound {
  readonly latenessMs: number
  /** It holds for windows that end before this time: milliseconds since 1970. */
  readonly untilMs: number
}

/** Events may be this much ahead of their arrival: a window that ends later can have been written under the shorter bound, too. */
const MAX_AHEAD_MS = 86_400_000

/**
 * The bound of a stage after a function with `latenessMs` has started. `stored` is its bound before. If the new one is longer,
 * windows that were written under the shorter one expire as early as before, so their late events stay late: they would begin
 * such a window again without its earlier events. `arrivedMs` is when the stream received the function's first record.
 */
export function planLateness(
  stored: LatenessBound | undefined,
  latenessMs: number | undefined,
  arrivedMs: number,
): LatenessBound {
  const before = stored?.latenessMs
  const isLonger = before !== undefined && (latenessMs === undefined || latenessMs > before)
  const shorter = isLonger ? shortest(stored?.shorter, before, arrivedMs + MAX_AHEAD_MS) : stored?.shorter
  return { latenessMs, ...(shorter && { shorter }) }
}

const shortest = (shorter: ShorterBound | undefined, latenessMs: number, untilMs: number): ShorterBound => ({
  latenessMs: Math.min(latenessMs, shorter?.latenessMs ?? latenessMs),
  untilMs: Math.max(untilMs, shorter?.untilMs ?? untilMs),
})

/** Whether an event is late for a window that ended at `endMs`. Both times are milliseconds since 1970. */
export function isLate(arrivedMs: number, endMs: number, { latenessMs, shorter }: LatenessBound): boolean {
  const lateMs = arrivedMs - endMs
  if (shorter && endMs < shorter.untilMs && lateMs > shorter.latenessMs) return true
  return latenessMs !== undefined && lateMs > latenessMs
}
