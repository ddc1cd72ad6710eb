import { projections } from '../../shared/catalogue.ts'
import type { ReindexRequest, ReindexResult } from '../../shared/reindex.ts'
import { defineHandler } from '../handler.ts'
import { quarantineStore } from '../quarantine/dynamodb.ts'
import { stateTable } from '../state/dynamodb.ts'
import { pageScanner } from './dynamodb.ts'
import { openSearch } from './opensearch.ts'
import { documentsOf } from './reindex.ts'
import { ensureIndices } from './set-up.ts'
import { writeBulk } from './write-bulk.ts'

const ITEMS_PER_PAGE = 500
/** A call begins no further page after this, and says where the next call goes on. */
const DEADLINE_MS = 20_000

/** Writes documents from the state table, a bounded part a call: after OpenSearch lost or missed them. */
export const handler = defineHandler('reindex', environment => {
  const client = openSearch(environment.OPENSEARCH_URL)
  const table = stateTable(environment.STATE_TABLE)
  const quarantine = quarantineStore(environment.QUARANTINE_TABLE, environment.QUARANTINE_BUCKET)
  const scan = pageScanner(environment.STATE_TABLE)
  return async ({ projection, from, ...segment }: ReindexRequest, telemetry): Promise<ReindexResult> => {
    const wanted = projections.filter(({ name }) => projection === undefined || name === projection)
    await ensureIndices(client, wanted)
    const until = Date.now() + DEADLINE_MS
    let documents = 0
    let next = from
    do {
      const page = await scan(segment, next, ITEMS_PER_PAGE)
      const operations = await documentsOf(page.items, { table, projections: wanted })
      await writeBulk(operations, { client, quarantine, telemetry })
      documents += operations.length
      next = page.next
    } while (next && Date.now() < until)
    return { documents, next: next ?? null }
  }
})
