import type { BulkOperation } from '../../shared/bulk-operation.ts'
import type { Rejection } from '../../shared/rejections.ts'
import { documentId, windowOfId } from '../../shared/search-index.ts'
import type { UserItem } from '../../shared/state.ts'
import type { StateTable } from '../state/dynamodb.ts'

interface ReplayDependencies {
  readonly table: Pick<StateTable, 'readUser'>
  /** Writes to OpenSearch. Returns why the document must stay in the quarantine. */
  readonly write: (operation: BulkOperation) => Promise<Rejection | undefined>
}

type IndexOperation = Extract<BulkOperation, { readonly action: 'index' }>

/**
 * Writes a document that OpenSearch refused, unless its user was erased since: the erasure found no document to delete, so OpenSearch
 * remembers no version. Returns why the document must stay in the quarantine.
 */
export async function replayDocument(
  operation: BulkOperation,
  { table, write }: ReplayDependencies,
): Promise<Rejection | undefined> {
  const user = operation.action === 'index' ? ownerOf(operation) : undefined
  if (user === undefined || operation.action !== 'index') return write(operation)
  if (isErased(operation, await table.readUser(user))) return undefined
  const rejection = await write(operation)
  // An erasure between the read and the write may have found nothing to delete either.
  const item = await table.readUser(user)
  if (!isErased(operation, item)) return rejection
  const { index, id, version } = operation
  return write({ action: 'delete', index, id, version: item?.erasedOrder ?? version + 1 })
}

/** An item with states does not expire: a user of a document who has no item was erased. */
const isErased = ({ version }: IndexOperation, item: UserItem | undefined): boolean =>
  item === undefined || version <= item.erasedOrder

/**
 * The user of a document. Undefined: it is of no user. The id says who it is, whatever field has the user and in whatever spelling:
 * a projection may show it as a number. Only a user whose id is too long for an `_id` must be found among the texts of the document.
 */
function ownerOf({ id, document }: IndexOperation): string | undefined {
  const instant = Date.parse(String(document['window_start'])) / 1000
  const start = Number.isNaN(instant) ? null : instant
  const texts = Object.values(document).filter(value => typeof value === 'string')
  const named = texts.find(text => id === documentId(text, start))
  return named ?? (start === null ? id : windowOfId(id)?.user || undefined)
}
