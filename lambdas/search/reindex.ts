import { SafeError } from '../../shared/safe-error.ts'
import type { StateTable } from '../state/dynamodb.ts'
import { type Item, isPartItem } from '../state/dynamodb-items.ts'
import { type DocumentDependencies, type DocumentPlan, planDocuments } from './plan-documents.ts'

interface ReindexDependencies extends DocumentDependencies {
  readonly table: Pick<StateTable, 'readUsers' | 'partsBelow'>
}

/**
 * The documents of these items of the state table, as they are written when the items change. Each has the version of its
 * item, so that a newer document that is written at the same time wins. States of other projections are left out.
 */
export async function documentsOf(items: readonly Item[], dependencies: ReindexDependencies): Promise<DocumentPlan> {
  const shown = await withoutErased(items, dependencies.table)
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
