import { createHash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import pLimit from 'p-limit'
import { BODIES_PREFIX, REFUSED_PREFIX } from '../../shared/quarantine.ts'
import type { Rejection, RejectionCode } from '../../shared/rejections.ts'
import { failedObjects } from './s3.ts'

/** One event that is kept aside. Identical refused events (same key name, type and bytes) are one item with a count. */
export interface QuarantinedEvent {
  readonly code: RejectionCode
  readonly message: string
  /** Null when the refused text does not say. */
  readonly type: string | null
  readonly id: string | null
  readonly keyName: string
  /** Milliseconds since 1970; a replay keeps it. */
  readonly received: number
  /** `envelope`: JSON text of an envelope; `line`: a line of the stream; `text`: what was sent, for what is neither. */
  readonly form: 'envelope' | 'line' | 'text'
  readonly body: string
  /** How often it came; 1 where nothing is said. */
  readonly count?: number
}

/** An event as the quarantine holds it. */
export interface KeptEvent extends QuarantinedEvent {
  readonly key: string
  readonly count: number
}

/** Bodies up to this size, compressed, are kept in the item itself. */
const INLINE_BYTES = 300_000
const WRITES_AT_ONCE = 64
/** More distinct events than this in one call take too long to write while somebody waits. */
export const EVENTS_A_CALL = 2_500
/** Events of one object: what the function that takes them in writes in half a minute or less. */
const EVENTS_AN_OBJECT = 25_000

export const quarantineKey = ({ keyName, type, body }: QuarantinedEvent): string =>
  createHash('sha256')
    .update(JSON.stringify([keyName, type, body]))
    .digest('hex')

export interface Quarantine {
  /** Keeps events aside; returns when all of them are stored, throws when one could not be. */
  keep(events: readonly QuarantinedEvent[]): Promise<void>
}

/**
 * The quarantine: a table of what was refused and why. Bodies too big for it go to the bucket, and so do the events of a call
 * with very many, which lambdas/quarantine/collect-failures.lambda.ts then takes in.
 */
export function quarantine(table: string, bucket: string, client = new DynamoDBClient({}), s3 = new S3Client({})): Quarantine {
  const objects = failedObjects(bucket, s3)
  const keepOne = async (event: QuarantinedEvent): Promise<void> => {
    const key = quarantineKey(event)
    const body = gzipSync(event.body)
    const object = body.length > INLINE_BYTES ? `${BODIES_PREFIX}${key}/${event.received}.gz` : undefined
    if (object) await objects.put(object, body)
    const facts = { ...attributesOf(event), ...(object ? { object: { S: object } } : { body: { B: body } }) }
    const names = Object.keys(facts)
    await client.send(
      new UpdateItemCommand({
        TableName: table,
        Key: { key: { S: key } },
        UpdateExpression: `SET ${names.map(name => `#${name} = if_not_exists(#${name}, :${name})`).join(', ')} ADD #count :count`,
        ExpressionAttributeNames: Object.fromEntries([...names, 'count'].map(name => [`#${name}`, name])),
        ExpressionAttributeValues: {
          ...Object.fromEntries(Object.entries(facts).map(([name, value]) => [`:${name}`, value])),
          ':count': { N: String(event.count ?? 1) },
        },
      }),
    )
  }
  return {
    async keep(events) {
      const distinct = countDistinct(events)
      const limit = pLimit(WRITES_AT_ONCE)
      const writes =
        distinct.length > EVENTS_A_CALL
          ? refusedObjects(distinct).map(
              ({ key, body }) =>
                () =>
                  objects.put(key, body),
            )
          : distinct.map(event => () => keepOne(event))
      await Promise.all(writes.map(write => limit(write)))
    },
  }
}

/** Identical events once, with their count, in the order they first came. */
export function countDistinct(events: readonly QuarantinedEvent[]): QuarantinedEvent[] {
  const distinct = new Map<string, { event: QuarantinedEvent; count: number }>()
  for (const event of events) {
    // With lengths, so that nothing a client chooses can make two different events look alike; cheaper than a hash.
    const same = `${event.type?.length} ${event.keyName.length} ${event.type}${event.keyName}${event.body}`
    const known = distinct.get(same)
    if (known) known.count += event.count ?? 1
    else distinct.set(same, { event, count: event.count ?? 1 })
  }
  return [...distinct.values()].map(({ event, count }) => (count === 1 ? event : { ...event, count }))
}

/** Events as the objects they wait in, named after what they hold: an object that is put again is the same object. */
function* chunksOf(events: readonly QuarantinedEvent[]): Generator<readonly QuarantinedEvent[]> {
  for (let at = 0; at < events.length; at += EVENTS_AN_OBJECT) yield events.slice(at, at + EVENTS_AN_OBJECT)
}

const refusedObjects = (events: readonly QuarantinedEvent[]): { key: string; body: Uint8Array }[] =>
  [...chunksOf(events)].map(chunk => {
    const text = chunk.map(event => `${JSON.stringify(event)}\n`).join('')
    return { key: `${REFUSED_PREFIX}${createHash('sha256').update(text).digest('hex')}.gz`, body: gzipSync(text) }
  })

type Attributes = Record<string, AttributeValue>

const textOrNull = (text: string | null): AttributeValue => (text === null ? { NULL: true } : { S: text })

const attributesOf = ({ code, message, keyName, received, form, type, id }: QuarantinedEvent): Attributes => ({
  code: { S: code },
  message: { S: message },
  keyName: { S: keyName },
  received: { N: String(received) },
  form: { S: form },
  type: textOrNull(type),
  id: textOrNull(id),
})

const keptEvent = (item: Attributes, body: Uint8Array): KeptEvent => ({
  key: item['key']?.S ?? '',
  code: item['code']?.S as RejectionCode,
  message: item['message']?.S ?? '',
  type: item['type']?.S ?? null,
  id: item['id']?.S ?? null,
  keyName: item['keyName']?.S ?? '',
  received: Number(item['received']?.N ?? 0),
  form: item['form']?.S as KeptEvent['form'],
  count: Number(item['count']?.N ?? 1),
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

    /** Lets the event go, unless it came again since it was read: then it may have been refused once more, and it stays. */
    async remove({ key, count }: KeptEvent): Promise<void> {
      const condition = {
        ConditionExpression: '#count = :count',
        ExpressionAttributeNames: { '#count': 'count' },
        ExpressionAttributeValues: { ':count': { N: String(count) } },
        ReturnValues: 'ALL_OLD' as const,
      }
      await ifStill(async () => {
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
      await ifStill(() => client.send(new UpdateItemCommand({ TableName: table, Key: { key: { S: key } }, ...update })))
    },
  }
}

async function ifStill(write: () => Promise<unknown>): Promise<void> {
  try {
    await write()
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error
  }
}
