import { byKey } from '../../shared/projection.ts'
import { SafeError } from '../../shared/safe-error.ts'
import { waitText } from '../deployment-wait.ts'
import { type Item, type ItemImage, isPartItem, isUserItem, readItem, type TableChange } from '../state/dynamodb-items.ts'
import { deleteErased, type Erasures } from './erasure.ts'
import type { DocumentClient } from './opensearch.ts'
import { type Change, type DocumentDependencies, planDocuments } from './plan-documents.ts'
import { unknownStates } from './unknown-states.ts'
import { type BulkDependencies, writeDocuments } from './write-bulk.ts'

export interface IndexDependencies extends BulkDependencies, DocumentDependencies {
  readonly client: DocumentClient
  /** A deployment updates all functions in this time, in milliseconds. Until then, only newer code may know the projection of a state. */
  readonly deploymentWaitMs: number
}

/** A change with the time at which the table was changed, milliseconds since 1970. */
interface TimedChange extends Change<Item> {
  readonly changed: number
}

/** The user identity that DynamoDB gives to removals by time to live. */
const TIME_TO_LIVE = 'dynamodb.amazonaws.com'

/**
 * Writes the documents of the items that a batch changed. Throws if the cluster could not write all, or if a newer function may
 * know the projection of a state, so that the batch is delivered again.
 */
export async function indexBatch(batch: readonly TableChange[], dependencies: IndexDependencies): Promise<void> {
  const { projections, deploymentWaitMs, now } = dependencies
  const changes = batch.flatMap(changeOf)
  const { operations, failures } = await planDocuments(changes, dependencies)
  const unknown = changes.flatMap(change =>
    unknownStates(change, projections).map(state => ({ state, mayWait: now() - change.changed < deploymentWaitMs })),
  )
  const given = unknown.filter(({ mayWait }) => !mayWait).map(({ state }) => state)
  await writeDocuments({ operations, failures: [...failures, ...given] }, dependencies)
  // After the writes: those of the batch can be of windows before the erasure.
  await deleteErased(dependencies.client, erasuresOf(changes, dependencies))
  const waiting = new Set(unknown.filter(({ mayWait }) => mayWait).map(({ state }) => state.index))
  if (waiting.size > 0)
    throw new SafeError(
      `No code for documents of ${[...waiting].join(', ')}: the batch is delivered again for ${waitText(deploymentWaitMs)}.`,
    )
}

/** The item before and after a change. Nothing for an expired item: the index keeps its document. */
function changeOf({ dynamodb, userIdentity }: TableChange): TimedChange[] {
  if (userIdentity?.principalId === TIME_TO_LIVE) return []
  const read = (image: ItemImage | undefined) => image && readItem(image)
  const changed = (dynamodb?.ApproximateCreationDateTime ?? 0) * 1000
  return [{ before: read(dynamodb?.OldImage), after: read(dynamodb?.NewImage), changed }]
}

const erasuresOf = (changes: readonly Change<Item>[], { projections }: DocumentDependencies): Erasures => {
  const known = byKey(projections)
  const removed = changes.flatMap(({ before, after }) => (before && !after && isPartItem(before) ? [before] : []))
  return {
    users: changes.flatMap(erasureOf),
    windows: removed.filter(({ user, projection }) => user !== undefined && !known.has(projection)),
  }
}

/** The user's item, if the change erases the user. */
function erasureOf({ before, after }: Change<Item>) {
  if (!after || !isUserItem(after)) return []
  const erasedBefore = before && isUserItem(before) ? before.erasedOrder : 0
  return after.erasedOrder > erasedBefore ? [after] : []
}
