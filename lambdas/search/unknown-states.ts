import type { Projection } from '../../shared/projection.ts'
import { standingOf } from '../../shared/revisions.ts'
import { documentId } from '../../shared/search-index.ts'
import { type Item, isPartItem, isUserItem } from '../state/dynamodb-items.ts'
import type { Change, DocumentFailure } from './plan-documents.ts'

/**
 * The documents of changed states whose projection this code does not know: the code that wrote them is newer, or this code was
 * rolled back. Lower revisions of a known projection are retired and have no documents any more.
 */
export function unknownStates(change: Change<Item>, projections: readonly Projection[]): DocumentFailure[] {
  const isUnknown = (key: string) => standingOf(key, projections) === 'unknown'
  return changedStates(change, isUnknown).map(({ key, id }) => ({ index: key, id, reason: reasonOf(key) }))
}

const reasonOf = (key: string): string =>
  `The function that writes documents does not know ${key}: deploy a catalogue that has it.`

/** The states of some projections that an item has after a change and that are not the same before, with the id of their document. */
function changedStates(
  { before, after }: Change<Item>,
  isWanted: (key: string) => boolean,
): { readonly key: string; readonly id: string }[] {
  if (!after) return []
  if (isPartItem(after))
    return isWanted(after.projection) ? [{ key: after.projection, id: documentId(after.user ?? null, after.start) }] : []
  if (!isUserItem(after)) return []
  const old = before && isUserItem(before) ? before.states : {}
  return Object.entries(after.states)
    .filter(([key, state]) => isWanted(key) && JSON.stringify(state) !== JSON.stringify(old[key]))
    .map(([key]) => ({ key, id: documentId(after.user, null) }))
}
