import { byKey } from '../../shared/projection.ts'
import { MAX_DELIVERY_MS } from '../../shared/record-age.ts'
import { SafeError } from '../../shared/safe-error.ts'
import type { StateTable } from '../state/dynamodb.ts'
import { type Item, isPartItem, isUserItem } from '../state/dynamodb-items.ts'
import { mayHaveExpired } from '../window-expiry.ts'
import { deleteErased } from './erasure.ts'
import type { DocumentClient } from './opensearch.ts'
import { type DocumentDependencies, type DocumentPlan, planDocuments } from './plan-documents.ts'
import { type BulkDependencies, writeDocuments } from './write-bulk.ts'

interface ReindexDependencies extends DocumentDependencies {
  readonly table: Pick<StateTable, 'readUsers' | 'partsBelow' | 'readLateness'>
  /** Milliseconds since 1970. */
  readonly now: () => number
}

interface WriteDependencies extends BulkDependencies, ReindexDependencies {
  readonly client: DocumentClient
}

/**
 * Writes the documents of these items of the state table, and deletes those of the users that are erased: the change that erased them may
 * be one that the documents missed. Returns the number of documents to write.
 */
export async function writeAgain(items: readonly Item[], dependencies: WriteDependencies): Promise<number> {
  const plan = await documentsOf(items, dependencies)
  await writeDocuments(plan, dependencies)
  const erased = items.filter(isUserItem).filter(({ erasedOrder }) => erasedOrder > 0)
  await deleteErased(dependencies.client, { users: erased, windows: [] })
  return plan.operations.length
}

/**
 * The documents of these items of the state table, as they are written when the items change. Each has the version of its
 * item, so that a newer document that is written at the same time wins. States of other projections are left out, and so are windows
 * over all users of which a slot may have expired: their document would miss it.
 */
export async function documentsOf(items: readonly Item[], dependencies: ReindexDependencies): Promise<DocumentPlan> {
  const shown = await withoutIncomplete(await withoutErased(items, dependencies.table), dependencies)
  return planDocuments(
    shown.map(after => ({ before: undefined, after })),
    dependencies,
  )
}

/** Leaves out erased items of users: they remain in the table until they are swept, and no reader shows them. */
async function withoutErased(items: readonly Item[], table: ReindexDependencies['table']): Promise<Item[]> {
  const owners = new Set(items.flatMap(item => (isPartItem(item) ? (item.user ?? []) : [])))
  const users = owners.size > 0 ? await table.readUsers([...owners]) : new Map()
  const isErased = (item: Item): boolean => {
    if (!isPartItem(item) || item.user === undefined) return false
    if (!users.has(item.user)) throw new SafeError('The item of a user could not be read; run `millrace reindex` again.')
    return item.version <= (users.get(item.user)?.erasedOrder ?? 0)
  }
  return items.filter(item => !isErased(item))
}

async function withoutIncomplete(items: readonly Item[], { table, projections, now }: ReindexDependencies): Promise<Item[]> {
  const known = byKey(projections)
  const sharedBy = (item: Item) => {
    const projection = isPartItem(item) ? known.get(item.projection) : undefined
    return isPartItem(item) && projection?.grain.parts?.siblings(item) ? { projection, start: item.start } : undefined
  }
  if (!items.some(sharedBy)) return [...items]
  // Whoever writes an expiry has recorded its bound in the table before.
  const lifetime = { latenessMs: undefined, retentionMs: MAX_DELIVERY_MS }
  const rules = { latenessOf: await table.readLateness(), lifetime, now: now() }
  return items.filter(item => {
    const shared = sharedBy(item)
    return !shared || !mayHaveExpired(shared.projection, shared.start, rules)
  })
}
