import type { WindowLifetime } from '../../shared/grain.ts'
import type { Projection } from '../../shared/projection.ts'
import type { Quarantine } from '../../shared/quarantine.ts'
import type { RetiredDelta } from '../../shared/state.ts'
import type { Telemetry } from '../handler.ts'
import type { StateTable } from '../state/dynamodb.ts'
import { mayHaveExpired, WINDOW_EXPIRED, windowLength } from '../window-expiry.ts'
import { asQuarantined } from './plan-windows.ts'

interface Dependencies {
  readonly table: Pick<StateTable, 'readLateness'>
  readonly lifetime: WindowLifetime
  /** Milliseconds since 1970. */
  readonly now: () => number
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
  const { table, quarantine, telemetry, lifetime, now } = dependencies
  const rules = { latenessOf: await table.readLateness(), lifetime, now: now() }
  const isErased = ({ order, erasedOrder }: RetiredDelta) => projection.grain.parts?.ofOneUser && order <= erasedOrder
  const expired = new Set(deltas.filter(delta => mayHaveExpired(projection, delta.start, rules) && !isErased(delta)))
  if (expired.size === 0) return deltas
  await quarantine.add([...expired].map(asExpired))
  telemetry.count('EventsQuarantined', expired.size, 'not_merged')
  return deltas.filter(delta => !expired.has(delta))
}

const asExpired = (delta: RetiredDelta) => ({ ...asQuarantined({ ...delta, reason: WINDOW_EXPIRED }), message: WINDOW_EXPIRED })
