import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import type { Segment } from '../../shared/reindex.ts'
import type { ItemKey } from '../../shared/state.ts'
import { type Item, itemKeyOf, keyAttributes, readItem } from '../state/dynamodb-items.ts'

/** A page of the state table and the key to continue after; undefined for the last page. */
interface ScanPage {
  readonly items: readonly Item[]
  readonly next: ItemKey | undefined
}

export type PageScanner = ReturnType<typeof pageScanner>

/** Reads a page of one segment of the state table with a consistent read, after the key `from` or from the beginning. */
export const pageScanner =
  (table: string, client = new DynamoDBClient({})) =>
  async ({ segment, segments }: Segment, from: ItemKey | undefined, items: number): Promise<ScanPage> => {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new ScanCommand({
        ...{ TableName: table, ConsistentRead: true, Segment: segment, TotalSegments: segments, Limit: items },
        ...(from && { ExclusiveStartKey: keyAttributes(from) }),
      }),
    )
    return { items: Items.map(readItem), next: LastEvaluatedKey && itemKeyOf(LastEvaluatedKey) }
  }
