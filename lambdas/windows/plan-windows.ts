import type { MergeRejection, MergeTask, UserDelta, WindowLifetime } from '../../shared/grain.ts'
import { arrivalOfOrder } from '../../shared/order.ts'
import { byKey, type Projection } from '../../shared/projection.ts'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import { rejections } from '../../shared/rejections.ts'
import type { ItemKey, UserItem } from '../../shared/state.ts'
import { deltaOccurrence, unmergedText } from '../../shared/unmerged-delta.ts'

/** All deltas of a batch for one item. */
export interface WindowTask extends MergeTask {
  readonly projection: Projection
  readonly key: ItemKey
}

/** One task for each item to change, from the user items in the order of the table's stream. Skips projections that are not known. */
export function planWindows(
  images: readonly Pick<UserItem, 'user' | 'erasedOrder' | 'outbox'>[],
  projections: readonly Projection[],
  lifetime: WindowLifetime,
  slotUsers?: number,
): WindowTask[] {
  const known = byKey(projections)
  const tasks = new Map<string, WindowTask>()
  for (const { user, erasedOrder, outbox } of images) {
    for (const delta of outbox) {
      const projection = known.get(delta.projection)
      const parts = projection?.grain.parts
      if (!parts || (parts.ofOneUser && delta.order <= erasedOrder)) continue
      const address = parts.addressOf(projection, user, delta.start)
      const key = parts.itemKey(address)
      const name = JSON.stringify(key)
      const userDelta: UserDelta = { ...delta, user, erasedOrder }
      tasks.set(name, { projection, key, address, lifetime, slotUsers, deltas: [...(tasks.get(name)?.deltas ?? []), userDelta] })
    }
  }
  return [...tasks.values()]
}

/**
 * A rejected delta as it is quarantined. Its events are not quarantined: every other store has them. It has no type: by its projection
 * it would be another entry for code in which the projection folds other types.
 */
export const asQuarantined = (rejection: MergeRejection): QuarantinedEvent => ({
  code: 'not_merged',
  message: `${rejection.reason} ${rejections.not_merged.help}`,
  type: null,
  id: null,
  keyName: '',
  received: Math.trunc(arrivalOfOrder(rejection.order)),
  form: 'text',
  body: unmergedText(rejection),
  occurrence: deltaOccurrence(rejection),
})
