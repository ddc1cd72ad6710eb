import { gunzipSync } from 'node:zlib'
import { DeleteItemCommand, type DynamoDBClient, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import type { S3Client } from '@aws-sdk/client-s3'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import { type Attributes, conditionHeld, refusedWrite } from '../dynamodb.ts'
import { eventsOf } from './bundle.ts'
import { isExpired } from './dynamodb-expiry.ts'
import { failureBucket } from './s3.ts'

/** The item of a bundle. */
export interface BundleItem {
  readonly key: string
  /** How often the bundle was quarantined. */
  readonly count: number
  readonly first: string
  readonly received: number
  /** How many events it contains. */
  readonly events: number
  /** The key of the object with its events. */
  readonly object: string
  /** The count up to which its events are items of their own already. */
  readonly unpacked?: number
  /** The count up to which they are becoming items of their own. */
  readonly unpacking?: number
}

/** The item as that of a bundle. Undefined if it is one of an event. */
export const asBundle = (attributes: Attributes): BundleItem | undefined =>
  attributes['form']?.S === 'bundle' ? (unmarshall(attributes) as BundleItem) : undefined

/** Identifies the unpacking of a bundle up to a count. */
export const markOf = ({ key, first }: BundleItem, upTo: number): string => `${key}#${first}#${upTo}`

/** The table and the bucket of the quarantine. */
export interface QuarantineStores {
  readonly table: string
  readonly bucket: string
  readonly dynamodb: DynamoDBClient
  readonly s3: S3Client
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** Reads bundles, and turns them into items of their events. */
export function bundleStore({ table, bucket, dynamodb, s3, now }: QuarantineStores) {
  const objects = failureBucket(bucket, s3)
  const update = (
    { key }: BundleItem,
    UpdateExpression: string,
    condition: string,
    values: Readonly<Record<string, unknown>>,
  ) => {
    const names = ['count', 'first'].filter(name => condition.includes(`#${name}`)).map(name => [`#${name}`, name])
    const command = new UpdateItemCommand({
      TableName: table,
      Key: marshall({ key }),
      UpdateExpression,
      ConditionExpression: condition,
      ExpressionAttributeNames: Object.fromEntries(names),
      ExpressionAttributeValues: marshall(values),
    })
    return conditionHeld(dynamodb.send(command))
  }
  const read = async (key: string): Promise<BundleItem | undefined> => {
    const { Item } = await dynamodb.send(new GetItemCommand({ TableName: table, Key: marshall({ key }), ConsistentRead: true }))
    return Item && !isExpired(Item, now()) ? asBundle(Item) : undefined
  }
  return {
    read,

    /** Whether the unpacking with this mark has begun and not ended. */
    async isUnfinished(mark: string): Promise<boolean> {
      const [key = ''] = mark.split('#')
      const item = await read(key)
      return item?.unpacking !== undefined && markOf(item, item.unpacking) === mark
    },

    /** The events of a bundle. Undefined if its object does not exist: it expired, or was removed after the item was read. */
    async readEvents({ object, received }: Pick<BundleItem, 'object' | 'received'>): Promise<QuarantinedEvent[] | undefined> {
      const bytes = await objects.readIfThere(object)
      return bytes && eventsOf({ text: gunzipSync(bytes).toString(), received })
    },

    /**
     * Notes the count up to which its events become items. Occurrences that were added after it was read are left for another time.
     * Returns false if another function has begun or ended an unpacking since, or if it is gone.
     */
    beginUnpacking(item: BundleItem): Promise<boolean> {
      const isAsRead = item.unpacked === undefined ? 'attribute_not_exists(unpacked)' : 'unpacked = :unpacked'
      return update(item, 'SET unpacking = :count', `#first = :first AND attribute_not_exists(unpacking) AND ${isAsRead}`, {
        ...{ ':count': item.count, ':first': item.first },
        ...(item.unpacked !== undefined && { ':unpacked': item.unpacked }),
      })
    },

    /** Removes a bundle whose events are items, or notes that they are if it was quarantined again meanwhile. */
    async endUnpacking(item: BundleItem, upTo: number): Promise<void> {
      const deletion = new DeleteItemCommand({
        TableName: table,
        Key: marshall({ key: item.key }),
        ConditionExpression: '#count = :count AND #first = :first',
        ExpressionAttributeNames: { '#count': 'count', '#first': 'first' },
        ExpressionAttributeValues: marshall({ ':count': upTo, ':first': item.first }),
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      })
      const refused = await refusedWrite(dynamodb.send(deletion))
      // Without an item, the deletion may have been sent again, or another function may have ended before it removed the object.
      if (!refused?.item) await objects.remove(item.object)
      else
        await update(item, 'SET unpacked = :upTo REMOVE unpacking', '#first = :first AND unpacking = :upTo', {
          ':upTo': upTo,
          ':first': item.first,
        })
    },
  }
}

export type BundleStore = ReturnType<typeof bundleStore>
