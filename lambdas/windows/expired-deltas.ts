import pLimit from 'p-limit'
import type { Projection } from '../../shared/projection.ts'
import type { Quarantine } from '../../shared/quarantine.ts'
import type { RetiredDelta } from '../../shared/state.ts'
import type { Telemetry } from '../handler.ts'
import { type ExpiryDependencies, mayHaveExpired, WINDOW_EXPIRED, windowLength } from '../window-expiry.ts'
import { asQuarantined } from './plan-windows.ts'

const READS_AT_ONCE = 32

interface Dependencies extends ExpiryDependencies {
  readonly quarantine: Quarantine
  readonly telemetry: Pick<Telemetry, 'count'>
}

/**
 * Quarantines the stored deltas whose windows may have expired: each would begin its window again and replace its document. Returns
 * the others, with those that an erasure covers.
 */
export async function withoutExpired(
  deltas: readonly RetiredDelta[],
  projection: Projection,
  dependencies: Dependencies,
): Promise<readonly RetiredDelta[]> {
  if (windowLength(projection) === undefined) return deltas
  const starts = await expiredStarts(deltas, projection, dependencies)
  const isErased = ({ order, erasedOrder }: RetiredDelta) => projection.grain.parts?.ofOneUser && order <= erasedOrder
  const expired = new Set(deltas.filter(delta => starts.has(delta.start) && !isErased(delta)))
  if (expired.size === 0) return deltas
  await dependencies.quarantine.add([...expired].map(asExpired))
  dependencies.telemetry.count('EventsQuarantined', expired.size, 'not_merged')
  return deltas.filter(delta => !expired.has(delta))
}

/** The starts of the windows that may have expired. */
async function expiredStarts(
  deltas: readonly RetiredDelta[],
  projection: Projection,
  dependencies: ExpiryDependencies,
): Promise<ReadonlySet<number>> {
  const starts = [...new Set(deltas.map(({ start }) => start))]
  const read = await pLimit(READS_AT_ONCE).map(starts, async start => ({
    start,
    isExpired: await mayHaveExpired(projection, start, dependencies),
  }))
  return new Set(read.filter(({ isExpired }) => isExpired).map(({ start }) => start))
}

const asExpired = (delta: RetiredDelta) => ({ ...asQuarantined({ ...delta, reason: WINDOW_EXPIRED }), message: WINDOW_EXPIRED })
