import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { type AttributeValue, DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import type { S3Client } from '@aws-sdk/client-s3'
import pLimit from 'p-limit'
import {
  BODIES_PREFIX,
  countDistinct,
  type Quarantine,
  type QuarantinedEvent,
  quarantineKey,
  REFUSED_PREFIX,
} from '../../shared/quarantine.ts'
import type { Attributes } from '../dynamodb.ts'
import type { failureBucket } from './s3.ts'

/** Bodies up to this size, compressed, are kept in the item itself. */
const INLINE_BYTES = 300_000
const WRITES_AT_ONCE = 64
/** More distinct events than this in one call take too long to write while somebody waits. */
export const MAX_EVENTS_PER_CALL = 2_500
/** Events of one object: what the function that takes them in writes in half a minute or less. */
const EVENTS_PER_OBJECT = 25_000

/**
 * The quarantine: a table of what was refused and why. Bodies too big for it go to the bucket, and so do the events of a call
 * with very many, which lambdas/quarantine/collect-failures.lambda.ts then takes in.
 */
export function quarantineStore(table: string, bucket: string, client = new DynamoDBClient({}), s3?: S3Client): Quarantine {
  const put = putObject(bucket, s3)
  const keepOne = async (event: QuarantinedEvent): Promise<void> => {
    const key = quarantineKey(event)
    const body = gzipSync(event.body)
    const object = body.length > INLINE_BYTES ? `${BODIES_PREFIX}${key}/${event.received}.gz` : undefined
    if (object) await put(object, body)
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
    async add(events) {
      const distinct = countDistinct(events)
      const limit = pLimit(WRITES_AT_ONCE)
      const writes =
        distinct.length > MAX_EVENTS_PER_CALL
          ? refusedObjects(distinct).map(
              ({ key, body }) =>
                () =>
                  put(key, body),
            )
          : distinct.map(event => () => keepOne(event))
      await Promise.all(writes.map(write => limit(write)))
    },
  }
}

/** Seldom needed, so what speaks to S3 is loaded with the first object and not at every cold start. */
function putObject(bucket: string, client: S3Client | undefined): (key: string, body: Uint8Array) => Promise<void> {
  let objects: Promise<ReturnType<typeof failureBucket>> | undefined
  return async (key, body) => {
    objects ??= import('./s3.ts').then(loaded => loaded.failureBucket(bucket, client))
    await (await objects).put(key, body)
  }
}

/** Events as the objects they wait in, named after what they hold: an object that is put again is the same object. */
function* chunksOf(events: readonly QuarantinedEvent[]): Generator<readonly QuarantinedEvent[]> {
  for (let at = 0; at < events.length; at += EVENTS_PER_OBJECT) yield events.slice(at, at + EVENTS_PER_OBJECT)
}

const refusedObjects = (events: readonly QuarantinedEvent[]): { key: string; body: Uint8Array }[] =>
  [...chunksOf(events)].map(chunk => {
    const text = chunk.map(event => `${JSON.stringify(event)}\n`).join('')
    return { key: `${REFUSED_PREFIX}${createHash('sha256').update(text).digest('hex')}.gz`, body: gzipSync(text) }
  })

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
