import { projections } from '../../shared/catalogue.ts'
import type { ReindexRequest, ReindexResult } from '../../shared/reindex.ts'
import { indexOf } from '../../shared/search-index.ts'
import { defineHandler } from '../handler.ts'
import { quarantineOf } from '../quarantine/dynamodb.ts'
import { stateTable } from '../state/dynamodb.ts'
import { pageScanner } from './dynamodb.ts'
import { openSearch } from './opensearch.ts'
import { documentsOf } from './reindex.ts'
import { ensureIndices } from './set-up.ts'
import { writeDocuments } from './write-bulk.ts'

const ITEMS_PER_PAGE = 500
/** After this time a call reads no further page and returns the key from which the next call continues. */
const DEADLINE_MS = 20_000

/** Writes documents again from the state table, after OpenSearch lost or missed them. One call does a bounded part. */
export const handler = defineHandler('reindex', environment => {
  const client = openSearch(environment.OPENSEARCH_URL)
  const table = stateTable(environment.STATE_TABLE)
  const quarantine = quarantineOf(environment)
  const scan = pageScanner(environment.STATE_TABLE)
  return async ({ projection, from, ...segment }: ReindexRequest, telemetry): Promise<ReindexResult> => {
    const wanted = projections.filter(({ name }) => projection === undefined || name === projection)
    await ensureIndices(client, wanted)
    const deadline = Date.now() + DEADLINE_MS
    let documents = 0
    let next = from
    for await (const page of scan(segment, from, ITEMS_PER_PAGE)) {
      const plan = await documentsOf(page.items, { table, projections: wanted })
      await writeDocuments(plan, { client, quarantine, telemetry, now: Date.now })
      documents += plan.operations.length
      next = page.next
      if (Date.now() >= deadline) break
    }
    return { documents, next: next ?? null, indices: wanted.map(indexOf) }
  }
})
