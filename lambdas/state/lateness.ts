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

/** A window that ends this much later than its events arrived gets no expiry: see `expiry` in shared/grains/merge.ts. */
const MAX_AHEAD_MS = 86_400_000

/**
 * The bound of a stage after a function with `latenessMs` has started. `stored` is its bound before. If the new one is longer,
 * windows that were written under the shorter one expire as early as before, so their late events stay late: they would begin
 * such a window again without its earlier events. `startedMs` is when the function started: other shards may be read further than its own.
 */
export function planLateness(
  stored: LatenessBound | undefined,
  latenessMs: number | undefined,
  startedMs: number,
): LatenessBound {
  const before = stored?.latenessMs
  const isLonger = before !== undefined && (latenessMs === undefined || latenessMs > before)
  const shorter = isLonger ? shortest(stored?.shorter, before, startedMs + MAX_AHEAD_MS) : stored?.shorter
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

/**
 * The shortest bound under which a window that ended at `endMs` may have got its expiry. Undefined: none. `deployedMs` is the bound of
 * the caller's deployment, `stored` that of the stage.
 */
export function shortestLateness(
  endMs: number,
  deployedMs: number | undefined,
  stored: LatenessBound | undefined,
): number | undefined {
  const shorter = stored?.shorter && endMs < stored.shorter.untilMs ? stored.shorter.latenessMs : undefined
  const bounds = [deployedMs, stored?.latenessMs, shorter].filter(bound => bound !== undefined)
  return bounds.length > 0 ? Math.min(...bounds) : undefined
}
