import { createHash, randomUUID } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import type { S3Client } from '@aws-sdk/client-s3'
import { marshall } from '@aws-sdk/util-dynamodb'
import pLimit from 'p-limit'
import {
  BODIES_PREFIX,
  countDistinct,
  type Quarantine,
  type QuarantinedEvent,
  quarantineKey,
  type StoredQuarantinedEvent,
  UNCOLLECTED_PREFIX,
} from '../../shared/quarantine.ts'
import { conditionHeld } from '../dynamodb.ts'
import type { failureBucket } from './s3.ts'

/** Compressed bodies up to this size are stored in the item; DynamoDB limits an item to 400 KB. */
const MAX_INLINE_BYTES = 300_000
const MAX_CONCURRENT_WRITES = 64
/** Writing more distinct events than this one by one would take too long for a client that waits. */
export const MAX_EVENTS_PER_CALL = 2_500
/** The collect-failures function writes this many events in half a minute or less. */
const EVENTS_PER_OBJECT = 25_000

/** An item of the table. `object` is the key of an S3 object with a body that is too large for the item. */
export type StoredItem = Omit<StoredQuarantinedEvent, 'body'> & { readonly body?: Uint8Array; readonly object?: string }

type PutObject = (key: string, body: Uint8Array) => Promise<void>

/**
 * The quarantine: a table of rejected events and the reasons. Large bodies are stored in the bucket. Calls with very many
 * events write them to the bucket, too, and lambdas/quarantine/collect-failures.lambda.ts moves them into the table.
 */
export function quarantineStore(table: string, bucket: string, client = new DynamoDBClient({}), s3?: S3Client): Quarantine {
  const put = lazyPut(bucket, s3)
  const putEvent = async (event: QuarantinedEvent, call: string): Promise<void> => {
    const token = tokenOf(event.occurrence ?? call)
    const body = gzipSync(event.body)
    const object = body.length > MAX_INLINE_BYTES ? bodyKey(event) : undefined
    if (object) {
      if (await conditionHeld(client.send(countOf(event, token, table)))) return
      await put(object, body)
    }
    await conditionHeld(client.send(updateOf(event, object ? { object } : { body }, token, table)))
  }
  return {
    async add(events) {
      const distinct = countDistinct(events)
      const limit = pLimit(MAX_CONCURRENT_WRITES)
      const call = randomUUID()
      if (distinct.length <= MAX_EVENTS_PER_CALL) await limit.map(distinct, event => putEvent(event, call))
      else await limit.map(refusedObjects(distinct), ({ key, body }) => put(key, body))
    },
  }
}

/** Loads the S3 client with the first object: it is seldom needed, and loading it at every cold start would take time. */
function lazyPut(bucket: string, client: S3Client | undefined): PutObject {
  let objects: Promise<ReturnType<typeof failureBucket>> | undefined
  return async (key, body) => {
    objects ??= import('./s3.ts').then(loaded => loaded.failureBucket(bucket, client))
    await (await objects).put(key, body)
  }
}

const bodyKey = (event: QuarantinedEvent): string => `${BODIES_PREFIX}${quarantineKey(event)}/${event.received}.gz`

/**
 * Identifies one addition to an item. An item remembers the last token of each slot: an addition that the SDK sends again after a
 * lost response, or that a function repeats, is not counted again, whatever else is added meanwhile.
 */
interface Token {
  readonly slot: string
  readonly text: string
}

function tokenOf(occurrence: string): Token {
  const text = createHash('sha256').update(occurrence).digest('hex').slice(0, 16)
  return { slot: `added_${text[0]}`, text }
}

const NOT_ADDED = '(attribute_not_exists(#slot) OR #slot <> :token)'

/** Stores the event if its key is new. Otherwise only adds to its count, so that the first delivery is kept. */
function updateOf(
  event: QuarantinedEvent,
  content: Pick<StoredItem, 'body' | 'object'>,
  token: Token,
  table: string,
): UpdateItemCommand {
  const { code, message, keyName, received, form, type, id, subject, position = 0, count = 1, mayHaveBeenFolded } = event
  const doubt = mayHaveBeenFolded && { mayHaveBeenFolded }
  const user = subject !== undefined && { subject }
  const attributes = { code, message, keyName, received, form, type, id, position, ...user, ...doubt, ...content }
  const names = Object.keys(attributes)
  const values = Object.entries({ ...attributes, count, token: token.text }).map(([name, value]) => [`:${name}`, value] as const)
  return new UpdateItemCommand({
    TableName: table,
    Key: marshall({ key: quarantineKey(event) }),
    UpdateExpression: `SET ${names.map(name => `#${name} = if_not_exists(#${name}, :${name})`).join(', ')}, #slot = :token ADD #count :count`,
    ConditionExpression: NOT_ADDED,
    ExpressionAttributeNames: { ...Object.fromEntries([...names, 'count'].map(name => [`#${name}`, name])), '#slot': token.slot },
    ExpressionAttributeValues: marshall(Object.fromEntries(values)),
  })
}

/** Adds to the count of an event that is stored already: its first body is kept, so a second one would never be removed. */
const countOf = (event: QuarantinedEvent, token: Token, table: string): UpdateItemCommand =>
  new UpdateItemCommand({
    TableName: table,
    Key: marshall({ key: quarantineKey(event) }),
    UpdateExpression: 'SET #slot = :token ADD #count :count',
    ConditionExpression: `attribute_exists(#key) AND ${NOT_ADDED}`,
    ExpressionAttributeNames: { '#key': 'key', '#count': 'count', '#slot': token.slot },
    ExpressionAttributeValues: marshall({ ':count': event.count ?? 1, ':token': token.text }),
  })

/** The objects for a call with very many events. Their keys are content hashes, so that writing one again changes nothing. */
const refusedObjects = (events: readonly QuarantinedEvent[]): { key: string; body: Uint8Array }[] =>
  [...chunksOf(events)].map(chunk => {
    const text = chunk.map(event => `${JSON.stringify(event)}\n`).join('')
    return { key: `${UNCOLLECTED_PREFIX}${createHash('sha256').update(text).digest('hex')}.gz`, body: gzipSync(text) }
  })

function* chunksOf(events: readonly QuarantinedEvent[]): Generator<readonly QuarantinedEvent[]> {
  for (let at = 0; at < events.length; at += EVENTS_PER_OBJECT) yield events.slice(at, at + EVENTS_PER_OBJECT)
}
