import { projections } from '../../shared/catalogue.ts'
import { handler as wrap } from '../handler.ts'
import { openSearch } from './opensearch.ts'
import { ensureIndices } from './set-up.ts'

/** Prepares the search cluster: after a deployment, and daily. */
export const handler = wrap('set-up', environment => {
  const client = openSearch(environment.OPENSEARCH_URL)
  return async (_event: unknown, told) => {
    await ensureIndices(client, projections)
    told.note('indices', projections.length)
  }
})
