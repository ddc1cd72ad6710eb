import { projections } from '../../shared/catalogue.ts'
import { handler as wrap } from '../handler.ts'
import { quarantine } from '../quarantine/dynamodb.ts'
import { stateTable } from '../state/dynamodb.ts'
import type { Attributes } from '../state/dynamodb-items.ts'
import { type Segment, scanPage } from './dynamodb.ts'
import { openSearch } from './opensearch.ts'
import { documentsOf } from './reindex.ts'
import { ensureIndices } from './set-up.ts'
import { writeBulk } from './write-bulk.ts'

const ITEMS_A_PAGE = 500
/** A call begins no further page after this, and says where the next call goes on. */
const PATIENCE_MS = 20_000

/** Which part of the table to bring into the indices, from where on, and of which projection if not of all. */
export interface ReindexRequest extends Segment {
  readonly projection?: string
  readonly from?: Attributes
}

export interface ReindexAnswer {
  readonly documents: number
  /** Where the next call goes on; null: the part is done. */
  readonly next: Attributes | null
}

/** Writes documents from the state table, a bounded part a call: after OpenSearch lost or missed them. */
export const handler = wrap('reindex', environment => {
  const client = openSearch(environment.OPENSEARCH_URL)
  const table = stateTable(environment.STATE_TABLE)
  const aside = quarantine(environment.QUARANTINE_TABLE, environment.QUARANTINE_BUCKET)
  const scan = scanPage(environment.STATE_TABLE)
  return async ({ projection, from, ...segment }: ReindexRequest, told): Promise<ReindexAnswer> => {
    const wanted = projections.filter(({ name }) => projection === undefined || name === projection)
    await ensureIndices(client, wanted)
    const until = Date.now() + PATIENCE_MS
    let documents = 0
    let next = from
    do {
      const page = await scan(segment, next, ITEMS_A_PAGE)
      const operations = await documentsOf(page.items, { table, projections: wanted })
      await writeBulk(operations, { client, aside, told })
      documents += operations.length
      next = page.next
    } while (next && Date.now() < until)
    return { documents, next: next ?? null }
  }
})
