import type { Client } from '@opensearch-project/opensearch'
import type { BulkOperation } from '../../shared/bulk-operation.ts'
import type { Projection } from '../../shared/projection.ts'
import { SafeError } from '../../shared/safe-error.ts'
import { indexOf } from '../../shared/search-index.ts'
import type { UserItem } from '../../shared/state.ts'
import { outcomeOf } from './bulk-outcome.ts'
import { bulk } from './opensearch.ts'
import type { Change } from './plan-bulk.ts'

const DOCUMENTS_PER_SEARCH = 1000

/**
 * Deletes the window documents of users whose erasure a batch brings: all that are older than the erasure, at the erasure's
 * version, so that a late image cannot restore them. By query, since the items may have expired before.
 */
export async function deleteErased(
  client: Client,
  changes: readonly Change<UserItem>[],
  projections: readonly Projection[],
): Promise<void> {
  const erased = changes.flatMap(({ before, after }) => (after && after.erasedOrder > (before?.erasedOrder ?? 0) ? [after] : []))
  for (const { user, erasedOrder } of erased)
    for (const projection of projections)
      if (projection.scope === 'user window') await deleteOlder(client, indexOf(projection), projection.key, user, erasedOrder)
}

async function deleteOlder(client: Client, index: string, key: string, user: string, erasedOrder: number): Promise<void> {
  await client.indices.refresh({ index })
  const query = {
    size: DOCUMENTS_PER_SEARCH,
    version: true,
    _source: false,
    query: { term: { [key]: user } },
    sort: [{ window_start: 'asc' }],
  }
  let after: unknown[] | undefined
  do {
    const { body } = await client.search({ index, body: { ...query, ...(after && { search_after: after }) } as never })
    const older = body.hits.hits.filter(hit => (hit._version ?? 0) < erasedOrder)
    const deletes = older.map((hit): BulkOperation => ({ action: 'delete', index, id: String(hit._id), version: erasedOrder }))
    const answers = deletes.length > 0 ? await bulk(client, deletes) : []
    if (answers.map(outcomeOf).includes('retry')) throw new SafeError('OpenSearch is busy: an erasure must be sent again.')
    after = body.hits.hits.at(-1)?.sort
  } while (after)
}
