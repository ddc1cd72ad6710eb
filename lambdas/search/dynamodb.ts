import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import type { Segment } from '../../shared/reindex.ts'
import type { ItemKey } from '../../shared/state.ts'
import { type Item, itemKeyOf, keyAttributes, readItem } from '../state/dynamodb-items.ts'

/** A page of the state table and the key to continue after; undefined for the last page. */
export interface ScanPage {
  readonly items: readonly Item[]
  readonly next: ItemKey | undefined
}

/** Scans one segment of the state table page by page, with consistent reads. */
export const pageScanner =
  (table: string, client = new DynamoDBClient({})) =>
  async ({ segment, segments }: Segment, from: ItemKey | undefined, limit: number): Promise<ScanPage> => {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new ScanCommand({
        TableName: table,
        ConsistentRead: true,
        Segment: segment,
        TotalSegments: segments,
        Limit: limit,
        ExclusiveStartKey: from && keyAttributes(from),
      }),
    )
    return { items: Items.map(readItem), next: LastEvaluatedKey && itemKeyOf(LastEvaluatedKey) }
  }
