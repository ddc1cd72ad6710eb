import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import { type Attributes, type Item, readItem } from '../state/dynamodb-items.ts'

/** A part of the table that can be read by itself: number `segment` of `segments`, counted from 0. */
export interface Segment {
  readonly segment: number
  readonly segments: number
}

/** A page of the table and the key to go on behind; undefined: it was the last. */
export interface Page {
  readonly items: readonly Item[]
  readonly next: Attributes | undefined
}

/** Reads the state table page by page, as it stands in each moment. */
export const scanPage =
  (table: string, client = new DynamoDBClient({})) =>
  async ({ segment, segments }: Segment, from: Attributes | undefined, limit: number): Promise<Page> => {
    const scan = { TableName: table, ConsistentRead: true, Segment: segment, TotalSegments: segments, Limit: limit }
    const { Items = [], LastEvaluatedKey } = await client.send(new ScanCommand({ ...scan, ExclusiveStartKey: from }))
    return { items: Items.map(readItem), next: LastEvaluatedKey }
  }
