import type { BulkOperation } from '../../shared/bulk-operation.ts'
import type { Projection } from '../../shared/projection.ts'
import { byKey } from '../../shared/state.ts'
import { type Item, type ItemImage, readItem, type TableChange } from '../state/dynamodb-items.ts'
import { deleteErased } from './erasure.ts'
import type { DocumentClient } from './opensearch.ts'
import { type Change, planUser, planWindow } from './plan-bulk.ts'
import { planWindowsOf, type SlotDependencies } from './windows-of-slots.ts'
import { type BulkDependencies, writeBulk } from './write-bulk.ts'

export interface IndexDependencies extends BulkDependencies, SlotDependencies {
  readonly client: DocumentClient
}

/** The user identity that DynamoDB gives to removals by time to live. */
const TIME_TO_LIVE = 'dynamodb.amazonaws.com'

/** Writes the documents of the items that a batch changed. Throws if the cluster could not write all, so that the batch is delivered again. */
export async function indexBatch(batch: readonly TableChange[], dependencies: IndexDependencies): Promise<void> {
  const changes = batch.flatMap(changeOf)
  await deleteErased(dependencies.client, changes.filter(isOf('user')), dependencies.projections)
  const documents = changes.flatMap(change => planItem(change, dependencies.projections))
  const slots = changes.filter(isOf('slot')).flatMap(({ after, before }) => after ?? before ?? [])
  await writeBulk([...documents, ...(await planWindowsOf(slots, dependencies))], dependencies)
}

/** The item before and after a change. Nothing for an expired item: the index keeps its document. */
function changeOf({ dynamodb, userIdentity }: TableChange): Change<Item>[] {
  if (userIdentity?.principalId === TIME_TO_LIVE) return []
  const read = (image: ItemImage | undefined) => image && readItem(image)
  return [{ before: read(dynamodb?.OldImage), after: read(dynamodb?.NewImage) }]
}

const isOf =
  <K extends Item['kind']>(kind: K) =>
  (change: Change<Item>): change is Change<Item & { kind: K }> =>
    (change.after ?? change.before)?.kind === kind

function planItem(change: Change<Item>, projections: readonly Projection[]): BulkOperation[] {
  if (isOf('user')(change)) return planUser(change, projections)
  if (isOf('window')(change)) return planWindow(change, byKey(projections))
  return []
}
