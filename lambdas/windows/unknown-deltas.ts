import { arrivalOfOrder } from '../../shared/order.ts'
import type { Projection } from '../../shared/projection.ts'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import { standingOf } from '../../shared/revisions.ts'
import type { UserItem, WindowDelta } from '../../shared/state.ts'

/** A user item as a change of the table left it. */
export interface UserImage {
  readonly item: UserItem
  /** When the table was changed: milliseconds since 1970. */
  readonly changed: number
}

/** A delta of a projection that this code does not know. */
interface UnknownDelta {
  readonly user: string
  readonly delta: WindowDelta
}

export interface UnknownDeltas {
  /** Keys of the projections that a running deployment may still bring. Their deltas must be delivered again. */
  readonly awaited: readonly string[]
  /** Deltas that were awaited for too long. */
  readonly givenUp: readonly UnknownDelta[]
}

/** How long a deployment may take until all functions know its projections. */
const MAX_WAIT_FOR_PROJECTION_MS = 15 * 60_000

/**
 * The deltas of projections that this code does not know: the state function is newer, or this code was rolled back. Deltas of
 * retired projections are not among them.
 */
export function unknownDeltas(images: readonly UserImage[], projections: readonly Projection[], now: number): UnknownDeltas {
  const awaited = new Set<string>()
  const givenUp: UnknownDelta[] = []
  for (const { item, changed } of images)
    for (const delta of item.outbox) {
      if (standingOf(delta.projection, projections) !== 'unknown') continue
      if (now - changed < MAX_WAIT_FOR_PROJECTION_MS) awaited.add(delta.projection)
      else givenUp.push({ user: item.user, delta })
    }
  return { awaited: [...awaited], givenUp }
}

/** An unknown delta as it is quarantined, with everything that merges it later. */
export const asUnmerged = ({ user, delta: { projection, start, order, state } }: UnknownDelta): QuarantinedEvent => ({
  code: 'not_merged',
  message: `The windows function did not know the projection ${projection} for 15 minutes. Deploy a catalogue that has it.`,
  type: null,
  id: null,
  keyName: '',
  received: Math.trunc(arrivalOfOrder(order)),
  form: 'text',
  body: JSON.stringify({ projection, start, user, ord: order, state }),
})
