import type { BulkOperation } from '../../shared/bulk-operation.ts'
import { type Projection, projectionKey, type UserProjection, type WindowProjection } from '../../shared/projection.ts'
import { documentId, indexOf } from '../../shared/search-index.ts'
import type { byKey, SlotItem, UserItem, WindowItem } from '../../shared/state.ts'

type ProjectionsByKey = ReturnType<typeof byKey>

/** A change of the state table: an item before and after. */
export interface Change<Item> {
  readonly before: Item | undefined
  /** Undefined: the item was removed, by code and not by its time to live. */
  readonly after: Item | undefined
}

/** One document for every per-user projection that has a state; what lost its state is deleted. All at the item's version. */
export function planUser({ before, after }: Change<UserItem>, projections: readonly Projection[]): BulkOperation[] {
  const item = after ?? before
  if (!item) return []
  const version = after ? after.version : item.version + 1
  return projections.filter(isPerUser).flatMap((projection): BulkOperation[] => {
    const key = projectionKey(projection)
    const place = { index: indexOf(projection), id: documentId(item.user, null), version }
    if (after && key in after.states)
      return [{ action: 'index', ...place, document: projection.document(after.states[key], item.user) }]
    return before && key in before.states ? [{ action: 'delete', ...place }] : []
  })
}

const isPerUser = (projection: Projection): projection is UserProjection => projection.scope === 'user'

/** The document of a user's window; a window that is gone is deleted above its last version. */
export function planWindow({ before, after }: Change<WindowItem>, known: ProjectionsByKey): BulkOperation[] {
  const item = after ?? before
  const projection = item && known.get(item.projection)
  if (!item || projection?.scope !== 'user window') return []
  const place = { index: indexOf(projection), id: documentId(item.user, item.start) }
  if (!after) return [{ action: 'delete', ...place, version: item.version + 1 }]
  return [
    {
      action: 'index',
      ...place,
      version: after.version,
      document: projection.document(after.state, { user: item.user, start: item.start }),
    },
  ]
}

/** The document of a window over all users, from all its slots; its version is the sum of theirs. */
export function planSlots(slots: readonly SlotItem[], projection: WindowProjection): BulkOperation[] {
  const [first] = slots
  if (!first) return []
  const state = slots.slice(1).reduce((merged, slot) => projection.merge(merged, slot.state, { firstOfUser: true }), first.state)
  const version = slots.reduce((sum, slot) => sum + slot.version, 0)
  const place = { index: indexOf(projection), id: documentId(null, first.start) }
  return [{ action: 'index', ...place, version, document: projection.document(state, { start: first.start }) }]
}
