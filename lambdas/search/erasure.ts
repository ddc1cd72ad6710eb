import type { API } from '@opensearch-project/opensearch'
import type { BulkOperation } from '../../shared/bulk-operation.ts'
import { type Outcome, outcomeOf } from '../../shared/bulk-outcome.ts'
import type { Projection } from '../../shared/projection.ts'
import { SafeError } from '../../shared/safe-error.ts'
import { indexOf } from '../../shared/search-index.ts'
import type { UserItem } from '../../shared/state.ts'
import { bulk, type DocumentClient } from './opensearch.ts'

const DOCUMENTS_PER_SEARCH = 1000

/**
 * Deletes the window documents of the users that a batch erases: all documents older than the erasure, at the erasure's
 * version, so that a late image cannot restore them. It finds them by query, since the window items may have expired.
 */
export async function deleteErased(
  client: DocumentClient,
  erased: readonly UserItem[],
  projections: readonly Projection[],
): Promise<void> {
  const owned = projections.filter(({ grain }) => grain.parts?.ofOneUser)
  for (const user of erased) for (const projection of owned) await deleteOlder(client, projection, user)
}

const isDone = (outcome: Outcome): boolean => outcome === 'written' || outcome === 'superseded'

/** Deletes a user's documents of one projection that are older than the user's erasure. */
async function deleteOlder(client: DocumentClient, projection: Projection, { user, erasedOrder }: UserItem): Promise<void> {
  // A missing index has nothing to delete.
  const where = { index: indexOf(projection), ignore_unavailable: true } as const
  const keyField = projection.grain.keyField(projection) ?? ''
  await client.indices.refresh(where)
  const search: API.Search_RequestBody = {
    size: DOCUMENTS_PER_SEARCH,
    version: true,
    _source: false,
    query: { term: { [keyField]: user } },
    sort: [{ window_start: 'asc' }],
  }
  let after: API.Search_RequestBody['search_after']
  do {
    const { body } = await client.search({ ...where, body: { ...search, ...(after && { search_after: after }) } })
    const { hits } = body.hits
    const older = hits.filter(hit => (hit._version ?? 0) < erasedOrder)
    const deletes = older.map(
      (hit): BulkOperation => ({ action: 'delete', index: where.index, id: String(hit._id), version: erasedOrder }),
    )
    const results = deletes.length > 0 ? await bulk(client, deletes) : []
    if (!results.map(outcomeOf).every(isDone))
      throw new SafeError('OpenSearch did not delete all documents of an erased user. The batch is delivered again.')
    after = hits.at(-1)?.sort
  } while (after)
}
