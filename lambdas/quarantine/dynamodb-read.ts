import { gunzipSync } from 'node:zlib'
import { DeleteItemCommand, DynamoDBClient, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import type { QuarantineSummary, StoredQuarantinedEvent } from '../../shared/quarantine.ts'
import type { Rejection, RejectionCode } from '../../shared/rejections.ts'
import { type Attributes, conditionHeld } from '../dynamodb.ts'

import { failureBucket } from './s3.ts'

/** Reads what an item of the table tells of its event. */
export const readSummary = (attributes: Attributes): QuarantineSummary => ({
  key: attributes['key']?.S ?? '',
  code: attributes['code']?.S as RejectionCode,
  message: attributes['message']?.S ?? '',
  type: attributes['type']?.S ?? null,
  id: attributes['id']?.S ?? null,
  keyName: attributes['keyName']?.S ?? '',
  received: Number(attributes['received']?.N ?? 0),
  count: Number(attributes['count']?.N ?? 1),
})

const storedEvent = (attributes: Attributes, body: Uint8Array): StoredQuarantinedEvent => ({
  ...readSummary(attributes),
  form: attributes['form']?.S as StoredQuarantinedEvent['form'],
  body: gunzipSync(body).toString(),
})

/** The events kept aside, each with its body, as they are shown and replayed. */
export function quarantineReader(table: string, bucket: string, client = new DynamoDBClient({}), s3 = new S3Client({})) {
  const objects = failureBucket(bucket, s3)
  return {
    /** The event, or undefined when nothing is kept under this key. */
    async read(key: string): Promise<StoredQuarantinedEvent | undefined> {
      const { Item } = await client.send(new GetItemCommand({ TableName: table, Key: { key: { S: key } }, ConsistentRead: true }))
      if (!Item) return undefined
      const object = Item['object']?.S
      return storedEvent(Item, object ? await objects.read(object) : (Item['body']?.B ?? new Uint8Array()))
    },

    /** Lets the event go, unless it came again since it was read: then it may have been refused once more, and it stays. Says whether it went. */
    remove({ key, count }: Pick<StoredQuarantinedEvent, 'key' | 'count'>): Promise<boolean> {
      const condition = {
        ConditionExpression: '#count = :count',
        ExpressionAttributeNames: { '#count': 'count' },
        ExpressionAttributeValues: { ':count': { N: String(count) } },
        ReturnValues: 'ALL_OLD' as const,
      }
      const remove = async (): Promise<void> => {
        const { Attributes } = await client.send(
          new DeleteItemCommand({ TableName: table, Key: { key: { S: key } }, ...condition }),
        )
        const object = Attributes?.['object']?.S
        if (object) await objects.remove(object)
      }
      return conditionHeld(remove())
    },

    /** Says why the event was refused this time. */
    async amend(key: string, { code, message }: Rejection): Promise<void> {
      const update = {
        UpdateExpression: 'SET code = :code, message = :message',
        ConditionExpression: 'attribute_exists(#key)',
        ExpressionAttributeNames: { '#key': 'key' },
        ExpressionAttributeValues: { ':code': { S: code }, ':message': { S: message } },
      }
      await conditionHeld(client.send(new UpdateItemCommand({ TableName: table, Key: { key: { S: key } }, ...update })))
    },
  }
}
