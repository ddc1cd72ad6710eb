import type { ItemKey, PartItem, UserPage } from '../../shared/state.ts'
import type { StateTable } from './dynamodb.ts'
import type { PutResult } from './dynamodb-access.ts'

export type PartTable = Pick<StateTable, 'readPart' | 'putPart' | 'readUserPages' | 'putUserPages' | 'deleteUserPages'>

/** An item as it is stored. */
interface StoredPart {
  readonly key: ItemKey
  readonly stored: PartItem | undefined
}

interface ChangedPart {
  readonly item: PartItem
  readonly newPages?: readonly UserPage[] | undefined
}

/** The item with this key, and its pages that exist. */
export async function readPartWithPages(key: ItemKey, table: Pick<PartTable, 'readPart' | 'readUserPages'>) {
  const stored = await table.readPart(key)
  const pages = stored?.pages && (await table.readUserPages(key, stored.pages))
  return { stored, pages }
}

/** Writes a changed item. New pages are written before the put that removes their users from the item, and old pages deleted after it. */
export async function putPart(
  { key, stored }: StoredPart,
  { item, newPages }: ChangedPart,
  table: Pick<PartTable, 'putPart' | 'putUserPages' | 'deleteUserPages'>,
): Promise<PutResult> {
  if (newPages) await table.putUserPages(newPages)
  const result = await table.putPart(item, stored?.version)
  if (result === 'written' && newPages && stored?.pages) await table.deleteUserPages(key, stored.pages)
  return result
}
