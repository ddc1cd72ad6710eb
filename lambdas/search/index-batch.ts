import { type Item, type ItemImage, isUserItem, readItem, type TableChange } from '../state/dynamodb-items.ts'
import { deleteErased } from './erasure.ts'
import type { DocumentClient } from './opensearch.ts'
import { type Change, type DocumentDependencies, planDocuments } from './plan-documents.ts'
import { type BulkDependencies, writeBulk } from './write-bulk.ts'

export interface IndexDependencies extends BulkDependencies, DocumentDependencies {
  readonly client: DocumentClient
}

/** The user identity that DynamoDB gives to removals by time to live. */
const TIME_TO_LIVE = 'dynamodb.amazonaws.com'

/** Writes the documents of the items that a batch changed. Throws if the cluster could not write all, so that the batch is delivered again. */
export async function indexBatch(batch: readonly TableChange[], dependencies: IndexDependencies): Promise<void> {
  const changes = batch.flatMap(changeOf)
  await deleteErased(dependencies.client, changes.flatMap(erasureOf), dependencies.projections)
  await writeBulk(await planDocuments(changes, dependencies), dependencies)
}

/** The item before and after a change. Nothing for an expired item: the index keeps its document. */
function changeOf({ dynamodb, userIdentity }: TableChange): Change<Item>[] {
  if (userIdentity?.principalId === TIME_TO_LIVE) return []
  const read = (image: ItemImage | undefined) => image && readItem(image)
  return [{ before: read(dynamodb?.OldImage), after: read(dynamodb?.NewImage) }]
}

/** The user's item, if the change erases the user. */
function erasureOf({ before, after }: Change<Item>) {
  if (!after || !isUserItem(after)) return []
  const erasedBefore = before && isUserItem(before) ? before.erasedOrder : 0
  return after.erasedOrder > erasedBefore ? [after] : []
}
