import { gunzipSync } from 'node:zlib'
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import type { Rejection, RejectionCode } from '../../shared/rejections.ts'
import type { QuarantinedEvent } from './dynamodb.ts'
import { failedObjects } from './s3.ts'

/** An event as the quarantine holds it. */
export interface KeptEvent extends QuarantinedEvent {
  readonly key: string
  /** How often the same event came. */
  readonly count: number
}

/** What the quarantine's table tells of an event, without what was sent. */
export type QuarantinedItem = Omit<KeptEvent, 'form' | 'body'>

type Attributes = Record<string, AttributeValue>

/** Reads what an item of the table tells of its event. */
export const readItem = (attributes: Attributes): QuarantinedItem => ({
  key: attributes['key']?.S ?? '',
  code: attributes['code']?.S as RejectionCode,
  message: attributes['message']?.S ?? '',
  type: attributes['type']?.S ?? null,
  id: attributes['id']?.S ?? null,
  keyName: attributes['keyName']?.S ?? '',
  received: Number(attributes['received']?.N ?? 0),
  count: Number(attributes['count']?.N ?? 1),
})

const keptEvent = (attributes: Attributes, body: Uint8Array): KeptEvent => ({
  ...readItem(attributes),
  form: attributes['form']?.S as KeptEvent['form'],
  body: gunzipSync(body).toString(),
})

/** The events kept aside, each with its body, as they are shown and replayed. */
export function keptEvents(table: string, bucket: string, client = new DynamoDBClient({}), s3 = new S3Client({})) {
  const objects = failedObjects(bucket, s3)
  return {
    /** The event, or undefined when nothing is kept under this key. */
    async read(key: string): Promise<KeptEvent | undefined> {
      const { Item } = await client.send(new GetItemCommand({ TableName: table, Key: { key: { S: key } }, ConsistentRead: true }))
      if (!Item) return undefined
      const object = Item['object']?.S
      return keptEvent(Item, object ? await objects.read(object) : (Item['body']?.B ?? new Uint8Array()))
    },

    /** Lets the event go, unless it came again since it was read: then it may have been refused once more, and it stays. Says whether it went. */
    remove({ key, count }: Pick<KeptEvent, 'key' | 'count'>): Promise<boolean> {
      const condition = {
        ConditionExpression: '#count = :count',
        ExpressionAttributeNames: { '#count': 'count' },
        ExpressionAttributeValues: { ':count': { N: String(count) } },
        ReturnValues: 'ALL_OLD' as const,
      }
      return held(async () => {
        const { Attributes } = await client.send(
          new DeleteItemCommand({ TableName: table, Key: { key: { S: key } }, ...condition }),
        )
        const object = Attributes?.['object']?.S
        if (object) await objects.remove(object)
      })
    },

    /** Says why the event was refused this time. */
    async amend(key: string, { code, message }: Rejection): Promise<void> {
      const update = {
        UpdateExpression: 'SET code = :code, message = :message',
        ConditionExpression: 'attribute_exists(#key)',
        ExpressionAttributeNames: { '#key': 'key' },
        ExpressionAttributeValues: { ':code': { S: code }, ':message': { S: message } },
      }
      await held(() => client.send(new UpdateItemCommand({ TableName: table, Key: { key: { S: key } }, ...update })))
    },
  }
}

/** Whether the condition of a write held: only then was it made. */
async function held(write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write()
    return true
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false
    throw error
  }
}
