import type { WindowLifetime } from '../shared/grain.ts'
import { leastExpiry } from '../shared/grains/merge.ts'
import type { Projection } from '../shared/projection.ts'
import type { LatenessOf } from './state/dynamodb-lateness.ts'

/** What decides which windows may have expired. */
export interface ExpiryRules {
  readonly latenessOf: LatenessOf
  readonly lifetime: WindowLifetime
  /** Milliseconds since 1970. */
  readonly now: number
}

/** Why a delta of such a window is not merged: it would begin the window again, without what has expired. */
export const WINDOW_EXPIRED = 'The window has expired; only a rebuild from the archive can contain the delta.'

/** Length of the projection's windows in seconds; undefined if it has none. */
export const windowLength = (projection: Projection): number | undefined => (projection as { readonly window?: number }).window

/**
 * Whether an item of the window that starts then may have expired, by any bound that held for it. An item without late deltas is
 * the first that does.
 */
export function mayHaveExpired(projection: Projection, start: number, { latenessOf, lifetime, now }: ExpiryRules): boolean {
  const end = start + (windowLength(projection) ?? 0)
  const latenessMs = latenessOf(end * 1000, lifetime.latenessMs)
  const ttl = leastExpiry(end, { ...lifetime, latenessMs })
  return ttl !== undefined && ttl * 1000 < now
}
