import type { BulkOperation } from '../../shared/bulk-operation.ts'
import { type Projection, projectionKey, type UserProjection, type WindowProjection } from '../../shared/projection.ts'
import { documentId, indexOf } from '../../shared/search-index.ts'
import type { byKey, SlotItem, UserItem, WindowItem } from '../../shared/state.ts'

type ProjectionsByKey = ReturnType<typeof byKey>

/** A change of the state table: one item before and after it. */
export interface Change<Item> {
  readonly before: Item | undefined
  /** Undefined: code removed the item; removals by time to live are not passed on. */
  readonly after: Item | undefined
}

/**
 * Documents of the per-user projections, at the item's version: written where there is a state, deleted where an erasure
 * removed it. A removed item deletes its documents at its last version + 1.
 */
export function planUser({ before, after }: Change<UserItem>, projections: readonly Projection[]): BulkOperation[] {
  const item = after ?? before
  if (!item) return []
  const version = after ? after.version : item.version + 1
  return projections.filter(isPerUser).flatMap((projection): BulkOperation[] => {
    const key = projectionKey(projection)
    const target = { index: indexOf(projection), id: documentId(item.user, null), version }
    if (after && key in after.states)
      return [{ action: 'index', ...target, document: projection.document(after.states[key], item.user) }]
    return before && key in before.states ? [{ action: 'delete', ...target }] : []
  })
}

const isPerUser = (projection: Projection): projection is UserProjection => projection.scope === 'user'

/** The document of a user's window. A removed window deletes its document at its last version + 1. */
export function planWindow({ before, after }: Change<WindowItem>, known: ProjectionsByKey): BulkOperation[] {
  const item = after ?? before
  const projection = item && known.get(item.projection)
  if (!item || projection?.scope !== 'user window') return []
  const target = { index: indexOf(projection), id: documentId(item.user, item.start) }
  if (!after) return [{ action: 'delete', ...target, version: item.version + 1 }]
  return [
    {
      action: 'index',
      ...target,
      version: after.version,
      document: projection.document(after.state, { user: item.user, start: item.start }),
    },
  ]
}

/** The document of a window over all users, merged from all its slots. Its version is the sum of theirs. */
export function planSlots(slots: readonly SlotItem[], projection: WindowProjection): BulkOperation[] {
  const [first] = slots
  if (!first) return []
  const state = slots.slice(1).reduce((merged, slot) => projection.merge(merged, slot.state, { firstOfUser: true }), first.state)
  const version = slots.reduce((sum, slot) => sum + slot.version, 0)
  const target = { index: indexOf(projection), id: documentId(null, first.start) }
  return [{ action: 'index', ...target, version, document: projection.document(state, { start: first.start }) }]
}
