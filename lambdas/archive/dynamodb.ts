import { DynamoDBClient, GetItemCommand, paginateQuery } from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import { type Attributes, putOrFound } from '../dynamodb.ts'

/** The state of a compacted day of arrival. */
export interface LedgerDay {
  readonly dt: string
  /** Each write of the day adds 1. A write is conditional on the version that it replaces. */
  readonly version: number
  /** The run whose manifest is current. */
  readonly run: string
  /** When the run became current: milliseconds since 1970. */
  readonly switched: number
  /** When the first run of the day became current. */
  readonly compacted: number
  /** The run to which the partitions of the Glue tables point. */
  readonly registered?: string
  /**
   * No raw object of this day should arrive any more, and the run replaces all that did. Readers do not list the raw objects of the
   * day; if one arrives nevertheless, the next compaction merges it.
   */
  readonly settled?: true
  /** The raw objects are deleted, and so are the objects of earlier runs: nothing is left to do until the day expires, or a raw object arrives. */
  readonly finished?: true
  /** When the day expired: it has no rows since then. */
  readonly expired?: number
}

/** The partition key of all days; the sort key is the day. One query reads years of them. */
const EVENTS = 'events'

export type ArchiveLedger = ReturnType<typeof archiveLedger>

/** The days that are compacted, with the run that is current. Reads have strong consistency. */
export const archiveLedger = (table: string, client = new DynamoDBClient({})) => ({
  /** All days, the earliest first. */
  async days(): Promise<LedgerDay[]> {
    const query = {
      TableName: table,
      KeyConditionExpression: 'ledger = :ledger',
      ExpressionAttributeValues: marshall({ ':ledger': EVENTS }),
      ConsistentRead: true,
    }
    const days: LedgerDay[] = []
    for await (const { Items = [] } of paginateQuery({ client }, query)) days.push(...Items.map(readItem))
    return days
  },

  async day(dt: string): Promise<LedgerDay | undefined> {
    const key = { TableName: table, Key: marshall({ ledger: EVENTS, dt }) }
    const { Item } = await client.send(new GetItemCommand({ ...key, ConsistentRead: true }))
    return Item && readItem(Item)
  },

  /** Replaces the version before this one, or adds the first. Returns false if somebody else has done so. */
  put: (day: LedgerDay): Promise<boolean> =>
    putOrFound(client, {
      TableName: table,
      Item: marshall({ ledger: EVENTS, ...day }, { removeUndefinedValues: true }),
      ...(day.version === 1
        ? { ConditionExpression: 'attribute_not_exists(dt)' }
        : {
            ConditionExpression: 'version = :previous',
            ExpressionAttributeValues: marshall({ ':previous': day.version - 1 }),
          }),
    }),
})

function readItem(item: Attributes): LedgerDay {
  const { ledger: _, ...day } = unmarshall(item)
  return day as LedgerDay
}
