import { gunzipSync } from 'node:zlib'
import { DeleteItemCommand, DynamoDBClient, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import type { IdentifiedSummary, QuarantineSummary, ReadItem, StoredQuarantinedEvent } from '../../shared/quarantine.ts'
import type { Rejection } from '../../shared/rejections.ts'
import { type Attributes, conditionHeld } from '../dynamodb.ts'
import type { StoredItem } from './dynamodb.ts'
import { asBundle, bundleStore } from './dynamodb-bundles.ts'
import { isExpired } from './dynamodb-expiry.ts'
import { marksOf } from './dynamodb-unpacked.ts'
import { failureBucket } from './s3.ts'

/** Reads everything but the body from an item of the table. */
export function readSummary(attributes: Attributes): QuarantineSummary {
  const item = unmarshall(attributes) as StoredItem
  const { key, code, message, type, id, keyName, received, count, mayHaveBeenFolded, sentAt } = item
  const doubt = { ...(mayHaveBeenFolded && { mayHaveBeenFolded }), ...(sentAt !== undefined && { sentAt }) }
  return { key, code, message, type, id, keyName, received, count, ...doubt }
}

export function readIdentified(attributes: Attributes): IdentifiedSummary {
  const { key, count, subject, first } = unmarshall(attributes) as StoredItem
  const item = { key, count, ...(first !== undefined && { first }) }
  return {
    ...readSummary(attributes),
    ...(subject !== undefined && { subject }),
    parts: [{ item, isBundle: false, count }],
  }
}

/** What a summary does not have, except the body. */
function restOf({
  form,
  position = 0,
  subject,
  first,
  keyId,
  clientSource,
  replayed,
  size,
}: Omit<StoredItem, 'body' | 'object'>) {
  return {
    ...{ form, position },
    ...(subject !== undefined && { subject }),
    ...(first !== undefined && { first }),
    ...(keyId !== undefined && { keyId }),
    ...(clientSource !== undefined && { clientSource }),
    ...(replayed !== undefined && { replayed }),
    ...(size !== undefined && { size }),
  }
}

/** The condition that an attribute has the value that was read. Undefined: it had none. */
const stillHas = (name: string, value: unknown): string =>
  value === undefined ? `attribute_not_exists(#${name})` : `#${name} = :${name}`

/** The condition that an item is as it was read: no occurrence was added, and it was not removed and stored again. */
const unchanged = ({ first }: ReadItem): string => `#count = :count AND ${stillHas('first', first)}`

/** The values of a condition. Those of attributes that were not there are left out. */
const present = (values: Readonly<Record<string, unknown>>): Attributes => marshall(values, { removeUndefinedValues: true })

const BODY_IS_GONE = { body: '', bodyIsGone: true } as const

/** Reads, removes and updates quarantined events, each with its body. */
export function quarantineReader(
  table: string,
  bucket: string,
  client = new DynamoDBClient({}),
  s3 = new S3Client({}),
  now: () => number = Date.now,
) {
  const objects = failureBucket(bucket, s3)
  const { isUnfinished } = bundleStore({ table, bucket, dynamodb: client, s3, now })
  const getItem = async (key: string): Promise<Attributes | undefined> =>
    (await client.send(new GetItemCommand({ TableName: table, Key: marshall({ key }), ConsistentRead: true }))).Item
  /** An unpacking that has not ended may be repeated, and would add again what a replay removed. */
  const isBeingUnpacked = async (key: string): Promise<boolean> => {
    const marks = marksOf((await getItem(key)) ?? {})
    return (await Promise.all(marks.map(isUnfinished))).includes(true)
  }
  return {
    /** The event with this key. Undefined if there is none. Its body is empty and not read if `needsBody` says no. */
    async read(
      key: string,
      needsBody: (event: Omit<StoredQuarantinedEvent, 'body'>) => boolean = () => true,
    ): Promise<StoredQuarantinedEvent | undefined> {
      const Item = await getItem(key)
      if (!Item || isExpired(Item, now()) || asBundle(Item)) return undefined
      const { object, body, ...item } = unmarshall(Item) as StoredItem
      const event = { ...readSummary(Item), ...restOf(item) }
      if (!needsBody(event)) return { ...event, body: '' }
      const bytes = object === undefined ? body : await objects.readIfThere(object)
      return { ...event, ...(bytes ? { body: gunzipSync(bytes).toString() } : BODY_IS_GONE) }
    },

    /**
     * Marks the event as sent by a replay, before it is put into the stream. Returns false if it was quarantined again after it
     * was read, if another replay put occurrences of it since, if a bundle with it is being unpacked, or if it is gone: then it
     * must not be put.
     */
    async markSent(item: ReadItem & Pick<StoredQuarantinedEvent, 'replayed'>, now: number): Promise<boolean> {
      const { key, count, first, replayed } = item
      // An unpacking that adds to the item after this changes its count.
      if (await isBeingUnpacked(key)) return false
      const mark = new UpdateItemCommand({
        TableName: table,
        Key: marshall({ key }),
        UpdateExpression: 'SET sentAt = :sentAt',
        ConditionExpression: `${unchanged(item)} AND ${stillHas('replayed', replayed)}`,
        ExpressionAttributeNames: { '#count': 'count', '#first': 'first', '#replayed': 'replayed' },
        ExpressionAttributeValues: present({ ':sentAt': now, ':count': count, ':first': first, ':replayed': replayed }),
      })
      return conditionHeld(client.send(mark))
    },

    /**
     * Notes that replays put the first `upTo` occurrences of the event. Does nothing if the event is gone or was removed and stored
     * again, or if another replay put more of them.
     */
    async noteReplayed({ key, first }: ReadItem, upTo: number): Promise<void> {
      const note = new UpdateItemCommand({
        TableName: table,
        Key: marshall({ key }),
        UpdateExpression: 'SET replayed = :replayed REMOVE sentAt',
        ConditionExpression: `${first === undefined ? 'attribute_exists(#key)' : '#first = :first'} AND (attribute_not_exists(replayed) OR replayed <= :replayed)`,
        ExpressionAttributeNames: first === undefined ? { '#key': 'key' } : { '#first': 'first' },
        ExpressionAttributeValues: present({ ':replayed': upTo, ':first': first }),
      })
      await conditionHeld(client.send(note))
    },

    /**
     * Removes the event and its body, unless it was quarantined again after it was read: then the new delivery may have been
     * rejected for a new reason. Returns whether it was removed.
     */
    remove(item: ReadItem): Promise<boolean> {
      const { key, count, first } = item
      const deletion = new DeleteItemCommand({
        TableName: table,
        Key: marshall({ key }),
        ConditionExpression: unchanged(item),
        ExpressionAttributeNames: { '#count': 'count', '#first': 'first' },
        ExpressionAttributeValues: present({ ':count': count, ':first': first }),
        ReturnValues: 'ALL_OLD',
      })
      const removeAll = async (): Promise<void> => {
        const { Attributes } = await client.send(deletion)
        const object = Attributes?.['object']?.S
        if (object) await objects.remove(object)
      }
      return conditionHeld(removeAll())
    },

    /** Replaces the reason of an event with that of its latest rejection. Does nothing if the event is gone. */
    async amend(key: string, { code, message }: Rejection): Promise<void> {
      const update = new UpdateItemCommand({
        TableName: table,
        Key: marshall({ key }),
        UpdateExpression: 'SET code = :code, message = :message',
        ConditionExpression: 'attribute_exists(#key)',
        ExpressionAttributeNames: { '#key': 'key' },
        ExpressionAttributeValues: marshall({ ':code': code, ':message': message }),
      })
      await conditionHeld(client.send(update))
    },
  }
}
