import type { Client } from '@opensearch-project/opensearch'
import type { DynamoDBRecord } from 'aws-lambda'
import { type Projection, projectionKey } from '../../shared/projection.ts'
import { reject } from '../../shared/rejections.ts'
import { byKey, type SlotItem, type UserItem, type WindowItem } from '../../shared/state.ts'
import type { Told } from '../handler.ts'
import type { Quarantine } from '../quarantine/dynamodb.ts'
import { type Attributes, type Item, readItem, type StateTable } from '../state/dynamodb.ts'
import { deleteErased } from './erasure.ts'
import { type BulkOperation, bulk } from './opensearch.ts'
import { type Change, planSlots, planUser, planWindow } from './plan-bulk.ts'
import { outcomeOf } from './retry.ts'

/** Operations a request: with documents of some hundred bytes that stays far below the cluster's request limit. */
const OPERATIONS_A_REQUEST = 1000

export interface IndexParts {
  readonly client: Client
  readonly table: StateTable
  readonly aside: Quarantine
  readonly projections: readonly Projection[]
  readonly told: Told
}

/** Writes the documents of a batch's items. Throws when the cluster could not take all of them: the batch comes again. */
export async function indexBatch(batch: readonly DynamoDBRecord[], parts: IndexParts): Promise<void> {
  const changes = batch.flatMap(changeOf)
  await deleteErased(parts.client, changes.filter(isOf('user')), parts.projections)
  const operations = [
    ...changes.flatMap(change => planItem(change, parts.projections)),
    ...(await planWindowsOfAll(changes, parts)),
  ]
  for (let at = 0; at < operations.length; at += OPERATIONS_A_REQUEST)
    await write(operations.slice(at, at + OPERATIONS_A_REQUEST), parts)
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
async function planWindowsOfAll(changes: readonly Change<Item>[], { table, projections }: IndexParts): Promise<BulkOperation[]> {
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

async function write(operations: readonly BulkOperation[], { client, aside, told }: IndexParts): Promise<void> {
  const answers = await bulk(client, operations)
  const outcomes = answers.map(outcomeOf)
  const refused = operations.filter((_, i) => outcomes[i] === 'refused')
  await aside.keep(refused.map(operation => asQuarantined(operation)))
  told.count('DocumentsIndexed', outcomes.filter(outcome => outcome === 'written').length)
  told.count('DocumentsRefused', refused.length)
  const retries = outcomes.filter(outcome => outcome === 'retry').length
  told.count('Retries', retries)
  if (retries > 0) throw new Error(`OpenSearch is busy: ${retries} of ${operations.length} documents must be sent again.`)
}

const asQuarantined = (operation: BulkOperation) => ({
  ...reject('document_refused'),
  type: operation.index,
  id: operation.id,
  keyName: '',
  received: Math.trunc(operation.version / 1000),
  form: 'text' as const,
  body: JSON.stringify(operation),
})
