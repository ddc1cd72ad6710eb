import type { DynamoDBRecord } from 'aws-lambda'
import type { BulkOperation } from '../../shared/bulk-operation.ts'
import { type Projection, projectionKey } from '../../shared/projection.ts'
import { byKey, type SlotItem, type UserItem, type WindowItem } from '../../shared/state.ts'
import type { Attributes } from '../dynamodb.ts'
import type { StateTable } from '../state/dynamodb.ts'
import { type Item, readItem } from '../state/dynamodb-items.ts'
import { deleteErased } from './erasure.ts'

import { type Change, planSlots, planUser, planWindow } from './plan-bulk.ts'
import { type BulkDependencies, writeBulk } from './write-bulk.ts'

export interface IndexDependencies extends BulkDependencies {
  readonly table: StateTable
  readonly projections: readonly Projection[]
}

/** Writes the documents of a batch's items. Throws when the cluster could not take all of them: the batch comes again. */
export async function indexBatch(batch: readonly DynamoDBRecord[], dependencies: IndexDependencies): Promise<void> {
  const changes = batch.flatMap(changeOf)
  await deleteErased(dependencies.client, changes.filter(isOf('user')), dependencies.projections)
  const documents = changes.flatMap(change => planItem(change, dependencies.projections))
  await writeBulk([...documents, ...(await planWindowsOverAllUsers(changes, dependencies))], dependencies)
}

/** The items before and after; nothing for an expired item, whose document the index keeps. */
function changeOf({ dynamodb, userIdentity }: DynamoDBRecord & { userIdentity?: { principalId?: string } }): Change<Item>[] {
  if (userIdentity?.principalId === 'dynamodb.amazonaws.com') return []
  const read = (image: unknown) => (image ? readItem(image as Attributes) : undefined)
  return [{ before: read(dynamodb?.OldImage), after: read(dynamodb?.NewImage) }]
}

const isOf =
  <K extends 'user' | 'window' | 'slot'>(kind: K) =>
  (change: Change<Item>): change is Change<Item & { kind: K }> =>
    (change.after ?? change.before)?.kind === kind

function planItem(change: Change<Item>, projections: readonly Projection[]): BulkOperation[] {
  if (isOf('user')(change)) return planUser(change as Change<UserItem>, projections)
  if (isOf('window')(change)) return planWindow(change as Change<WindowItem>, byKey(projections))
  return []
}

/** A window over all users is read whole, once a batch: its slots change far more often than its document needs to. */
async function planWindowsOverAllUsers(
  changes: readonly Change<Item>[],
  { table, projections }: IndexDependencies,
): Promise<BulkOperation[]> {
  const known = byKey(projections)
  const slots = changes.filter(isOf('slot')).map(({ after, before }) => (after ?? before) as SlotItem)
  const windows = new Map(slots.map(slot => [`${slot.projection}#${slot.start}`, slot]))
  const planned = await Promise.all(
    [...windows.values()].map(async ({ projection, start }) => {
      const definition = known.get(projection)
      return definition?.scope === 'window' ? planSlots(await table.slotsOf(projectionKey(definition), start), definition) : []
    }),
  )
  return planned.flat()
}
