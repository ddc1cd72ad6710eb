import type { API } from '@opensearch-project/opensearch'
import pLimit from 'p-limit'
import type { BulkOperation } from '../../shared/bulk-operation.ts'
import { type Outcome, outcomeOf } from '../../shared/bulk-outcome.ts'
import { parseKey } from '../../shared/revisions.ts'
import { SafeError } from '../../shared/safe-error.ts'
import { documentId } from '../../shared/search-index.ts'
import type { PartItem, UserItem } from '../../shared/state.ts'
import { bulk, type DocumentClient } from './opensearch.ts'

const DOCUMENTS_PER_SEARCH = 1000
/** A page of a reindex may have hundreds of erased users, and its step must end within two minutes. */
const USERS_AT_ONCE = 8
/** A missing index has nothing to delete. */
const IF_IT_EXISTS = { ignore_unavailable: true } as const
/** Matches the indices of all projections and revisions, and a few others. */
const EVERY_INDEX = '*-r*'

/** What a batch of changes, or a page of a reindex, erases. */
export interface Erasures {
  readonly users: readonly UserItem[]
  /** Removed windows of erased users, of projections that this code does not know. */
  readonly windows: readonly PartItem[]
}

/** An index of documents, and the fields in which it can have a user. */
interface DocumentsIndex {
  readonly index: string
  readonly hasWindows: boolean
  readonly keywords: readonly string[]
}

/**
 * Deletes the documents of erased users, in every index that exists: after a deployment or a roll-back, other code
 * shows those of other projections and revisions. All documents older than the erasure are deleted, at the erasure's version, so that
 * a late image cannot restore them. Documents of windows are found by query, since the window items may have expired.
 */
export async function deleteErased(client: DocumentClient, { users, windows }: Erasures): Promise<void> {
  if (users.length === 0 && windows.length === 0) return
  const indices = await readIndices(client)
  await deleteAll(client, [
    ...users.flatMap(user => ofUser(user, indices)),
    ...windows.flatMap(window => ofWindow(window, indices)),
  ])
  for (const index of indices) if (index.hasWindows && index.keywords.length > 0) await deleteWindows(client, index, users)
}

async function readIndices(client: DocumentClient): Promise<DocumentsIndex[]> {
  const { body } = await client.indices.getMapping({ index: EVERY_INDEX })
  return Object.entries(body)
    .filter(([index]) => !Number.isNaN(parseKey(index).revision))
    .map(
      ([
        index,
        {
          mappings: { properties = {} },
        },
      ]) => ({
        index,
        hasWindows: 'window_start' in properties,
        keywords: Object.entries(properties).flatMap(([field, { type }]) => (type === 'keyword' ? [field] : [])),
      }),
    )
}

const ofUser = ({ user, erasedOrder }: UserItem, indices: readonly DocumentsIndex[]): BulkOperation[] =>
  indices
    .filter(({ hasWindows }) => !hasWindows)
    .map(({ index }) => ({ action: 'delete', index, id: documentId(user, null), version: erasedOrder }))

const ofWindow = ({ projection, user, start, version }: PartItem, indices: readonly DocumentsIndex[]): BulkOperation[] =>
  indices.some(({ index }) => index === projection)
    ? [{ action: 'delete', index: projection, id: documentId(user ?? null, start), version: version + 1 }]
    : []

/** Deletes the documents of one index that are older than the erasures of their users. One refresh is enough for all of them. */
async function deleteWindows(client: DocumentClient, index: DocumentsIndex, users: readonly UserItem[]): Promise<void> {
  if (users.length === 0) return
  await client.indices.refresh({ index: index.index, ...IF_IT_EXISTS })
  await pLimit(USERS_AT_ONCE).map(users, user => deleteWindowsOf(user, client, index))
}

async function deleteWindowsOf(
  { user, erasedOrder }: UserItem,
  client: DocumentClient,
  { index, keywords }: DocumentsIndex,
): Promise<void> {
  const search: API.Search_RequestBody = {
    size: DOCUMENTS_PER_SEARCH,
    version: true,
    _source: false,
    query: { bool: { should: keywords.map(field => ({ term: { [field]: user } })) } },
    sort: [{ window_start: 'asc' }],
  }
  let after: API.Search_RequestBody['search_after']
  do {
    const { body } = await client.search({ index, ...IF_IT_EXISTS, body: { ...search, ...(after && { search_after: after }) } })
    const { hits } = body.hits
    // The user may also be in documents of others. The id says whose a document is.
    const mine = hits.filter(({ _id, sort: [start] = [] }) => _id === documentId(user, Number(start) / 1000))
    const older = mine.filter(hit => (hit._version ?? 0) < erasedOrder)
    await deleteAll(
      client,
      older.map(hit => ({ action: 'delete', index, id: String(hit._id), version: erasedOrder })),
    )
    after = hits.length === DOCUMENTS_PER_SEARCH ? hits.at(-1)?.sort : undefined
  } while (after)
}

const isDone = (outcome: Outcome): boolean => outcome === 'written' || outcome === 'superseded'

async function deleteAll(client: DocumentClient, deletes: readonly BulkOperation[]): Promise<void> {
  for (let at = 0; at < deletes.length; at += DOCUMENTS_PER_SEARCH) {
    const results = await bulk(client, deletes.slice(at, at + DOCUMENTS_PER_SEARCH))
    if (!results.map(outcomeOf).every(isDone))
      throw new SafeError('OpenSearch did not delete all documents of an erased user. The batch is delivered again.')
  }
}
