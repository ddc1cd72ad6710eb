import type { UserDelta } from '../../shared/grain.ts'
import { arrivalOfOrder } from '../../shared/order.ts'
import type { Projection } from '../../shared/projection.ts'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import { standingOf } from '../../shared/revisions.ts'
import type { UserItem } from '../../shared/state.ts'
import { deltaOccurrence, unmergedText } from '../../shared/unmerged-delta.ts'
import { waitText } from '../deployment-wait.ts'

/** A user item as a change of the table left it. */
export interface UserImage {
  readonly item: UserItem
  /** When the table was changed: milliseconds since 1970. */
  readonly changed: number
}

export interface UnknownDeltas {
  /** Keys of the projections that a running deployment may still bring. Their deltas must be delivered again. */
  readonly awaited: readonly string[]
  /** Deltas that were awaited for too long. */
  readonly givenUp: readonly UserDelta[]
}

export interface DeploymentWait {
  /** Milliseconds since 1970. */
  readonly now: number
  /** How long a deployment may take until all functions know its projections, in milliseconds. */
  readonly waitMs: number
}

/**
 * The deltas of projections that this code does not know: the state function is newer, or this code was rolled back. Deltas of
 * retired projections are not among them.
 */
export function unknownDeltas(
  images: readonly UserImage[],
  projections: readonly Projection[],
  { now, waitMs }: DeploymentWait,
): UnknownDeltas {
  const awaited = new Set<string>()
  const givenUp: UserDelta[] = []
  for (const { item, changed } of images)
    for (const delta of item.outbox) {
      if (standingOf(delta.projection, projections) !== 'unknown') continue
      if (now - changed < waitMs) awaited.add(delta.projection)
      else givenUp.push({ ...delta, user: item.user, erasedOrder: item.erasedOrder })
    }
  return { awaited: [...awaited], givenUp }
}

/** An unknown delta as it is quarantined, with everything that merges it later. */
export const asUnmerged = (delta: UserDelta, waitMs: number): QuarantinedEvent => ({
  code: 'not_merged',
  message: `The windows function did not know the projection ${delta.projection} for ${waitText(waitMs)}. Deploy a catalogue that has it: then the delta is merged, and a replay removes it from the quarantine.`,
  type: null,
  id: null,
  keyName: '',
  received: Math.trunc(arrivalOfOrder(delta.order)),
  form: 'text',
  body: unmergedText(delta),
  occurrence: deltaOccurrence(delta),
})
