import type { Projection } from '../../shared/projection.ts'
import { standingOf } from '../../shared/revisions.ts'
import type { RetiredDelta, UserItem } from '../../shared/state.ts'

/**
 * The deltas of retired projections in these images. They are stored apart, so that a roll-back to code that knows the projection
 * misses none of them.
 */
export const retiredDeltas = (images: readonly UserItem[], projections: readonly Projection[]): RetiredDelta[] =>
  images.flatMap(({ user, erasedOrder, outbox }) =>
    outbox
      .filter(({ projection }) => standingOf(projection, projections) === 'retired')
      .map(delta => ({ ...delta, user, erasedOrder })),
  )

/** Stored deltas as the images that they came from: each with its user, in the order in which they were stored. */
export const asImages = (deltas: readonly RetiredDelta[]): Pick<UserItem, 'user' | 'erasedOrder' | 'outbox'>[] =>
  deltas.map(({ user, erasedOrder, ...delta }) => ({ user, erasedOrder, outbox: [delta] }))
