import pLimit from 'p-limit'
import type { StateTable } from '../../lambdas/state/dynamodb.ts'
import type { LatenessOf } from '../../lambdas/state/dynamodb-lateness.ts'
import { mayHaveExpired } from '../../lambdas/window-expiry.ts'
import type { Projection } from '../../shared/projection.ts'
import type { QuarantineSummary } from '../../shared/quarantine.ts'
import { MAX_DELIVERY_MS } from '../../shared/record-age.ts'
import { indexOf, windowOfId } from '../../shared/search-index.ts'

const READS_AT_ONCE = 32

interface Dependencies {
  readonly table: Pick<StateTable, 'readPart' | 'partsBelow' | 'readLateness'>
  readonly projections: readonly Projection[]
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/**
 * Leaves out rejected documents of windows that have expired: the reindex did not write them, and the quarantine has the only copy. So
 * it does if the id is a hash, from which the window cannot be known.
 */
export async function withoutUnwritten<Summary extends Pick<QuarantineSummary, 'code' | 'type' | 'id'>>(
  events: readonly Summary[],
  dependencies: Dependencies,
): Promise<Summary[]> {
  const latenessOf = await dependencies.table.readLateness()
  const written = await pLimit(READS_AT_ONCE).map(events, event => isWritten(event, latenessOf, dependencies))
  return events.filter((_, at) => written[at])
}

async function isWritten(
  { code, type, id }: Pick<QuarantineSummary, 'code' | 'type' | 'id'>,
  latenessOf: LatenessOf,
  { table, projections, now }: Dependencies,
): Promise<boolean> {
  const projection = projections.find(each => indexOf(each) === type)
  const parts = projection?.grain.parts
  // The states of users do not expire.
  if (code !== 'document_refused' || !projection || !parts) return true
  const window = windowOfId(id ?? '')
  if (!window) return false
  const address = parts.addressOf(projection, window.user, window.start)
  const siblings = parts.siblings(address)
  if (!siblings) return (await table.readPart(parts.itemKey(address))) !== undefined
  const lifetime = { latenessMs: undefined, retentionMs: MAX_DELIVERY_MS }
  if (mayHaveExpired(projection, window.start, { latenessOf, lifetime, now: now() })) return false
  return (await table.partsBelow(siblings, 1)).length > 0
}
