import { DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb'
import type { Segment } from '../../shared/reindex.ts'
import type { ItemKey } from '../../shared/state.ts'
import { type Item, itemKeyOf, keyAttributes, readItem } from '../state/dynamodb-items.ts'

/** A page of the state table and the key to continue after; undefined for the last page. */
interface ScanPage {
  readonly items: readonly Item[]
  readonly next: ItemKey | undefined
}

/** Scans one segment of the state table with consistent reads, page by page, after the key `from` or from the beginning. */
export const pageScanner = (table: string, client = new DynamoDBClient({})) =>
  async function* ({ segment, segments }: Segment, from: ItemKey | undefined, itemsPerPage: number): AsyncGenerator<ScanPage> {
    const pages = paginateScan(
      { client, pageSize: itemsPerPage, startingToken: from && keyAttributes(from) },
      { TableName: table, ConsistentRead: true, Segment: segment, TotalSegments: segments },
    )
    for await (const { Items = [], LastEvaluatedKey } of pages)
      yield { items: Items.map(readItem), next: LastEvaluatedKey && itemKeyOf(LastEvaluatedKey) }
  }
