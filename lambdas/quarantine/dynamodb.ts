import { createHash, randomUUID } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import type { S3Client } from '@aws-sdk/client-s3'
import { marshall } from '@aws-sdk/util-dynamodb'
import pLimit from 'p-limit'
import { type Environment, NONE } from '../../shared/environment.ts'
import {
  BODIES_PREFIX,
  countDistinct,
  type Quarantine,
  type QuarantinedEvent,
  quarantineKey,
  type StoredQuarantinedEvent,
  UNCOLLECTED_PREFIX,
  withoutKeys,
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

/** How long an event stays after its last occurrence. */
interface Expiry {
  /** Undefined: without limit. */
  readonly days: number | undefined
  /** Milliseconds since 1970. */
  readonly now: () => number
}

const DAY_SECONDS = 86_400

type QuarantineEnvironment = Pick<Environment<'ingest'>, 'QUARANTINE_TABLE' | 'QUARANTINE_BUCKET' | 'QUARANTINE_DAYS'>

/** The quarantine of a function that adds to it. */
export const quarantineOf = ({ QUARANTINE_TABLE, QUARANTINE_BUCKET, QUARANTINE_DAYS }: QuarantineEnvironment): Quarantine =>
  quarantineStore(QUARANTINE_TABLE, QUARANTINE_BUCKET, undefined, undefined, {
    days: QUARANTINE_DAYS === NONE ? undefined : Number(QUARANTINE_DAYS),
    now: Date.now,
  })

type PutObject = (key: string, body: Uint8Array) => Promise<void>

/**
 * The quarantine: a table of rejected events and the reasons. Large bodies are stored in the bucket. Calls with very many
 * events write them to the bucket, too, and lambdas/quarantine/collect-failures.lambda.ts moves them into the table.
 */
export function quarantineStore(
  table: string,
  bucket: string,
  client = new DynamoDBClient({}),
  s3?: S3Client,
  { days, now }: Expiry = { days: undefined, now: Date.now },
): Quarantine {
  const put = lazyPut(bucket, s3)
  const ttlFrom = (): number | undefined => (days === undefined ? undefined : Math.ceil(now() / 1000) + days * DAY_SECONDS)
  const putEvent = async (event: QuarantinedEvent, call: string): Promise<void> => {
    const token = tokenOf(event.occurrence ?? call)
    const body = gzipSync(event.body)
    const object = body.length > MAX_INLINE_BYTES ? bodyKey(event) : undefined
    const addition: Addition = { token, ttl: ttlFrom(), table }
    if (object) {
      const counted = await countStored(event, addition, client)
      // A body expires some days after it was written, so it is written again.
      if (counted?.object && addition.ttl !== undefined) await put(counted.object, body)
      if (counted) return
      await put(object, body)
    }
    await conditionHeld(client.send(updateOf(event, object ? { object } : { body }, addition)))
  }
  return {
    async add(events) {
      const distinct = countDistinct(events.map(withoutKeys))
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

interface Addition {
  readonly token: Token
  /** When the item expires, in seconds since 1970. Undefined: never. */
  readonly ttl: number | undefined
  readonly table: string
}

/** Adds to the count of an event that is stored already. Undefined if it is not, or if this addition was counted. */
async function countStored(
  event: QuarantinedEvent,
  addition: Addition,
  client: DynamoDBClient,
): Promise<{ readonly object: string | undefined } | undefined> {
  let object: string | undefined
  const count = async (): Promise<void> => {
    object = (await client.send(countOf(event, addition))).Attributes?.['object']?.S
  }
  return (await conditionHeld(count())) ? { object } : undefined
}

const NOT_ADDED = '(attribute_not_exists(#slot) OR #slot <> :token)'

/** Stores the event if its key is new. Otherwise only adds to its count, so that the first delivery is kept. */
function updateOf(
  event: QuarantinedEvent,
  content: Pick<StoredItem, 'body' | 'object'>,
  { token, ttl, table }: Addition,
): UpdateItemCommand {
  const { code, message, keyName, received, form, type, id, subject, position = 0, count = 1, mayHaveBeenFolded } = event
  const doubt = mayHaveBeenFolded && { mayHaveBeenFolded }
  const user = subject !== undefined && { subject }
  const about = { code, message, keyName, received, form, type, id, position, first: token.text }
  const attributes = { ...about, ...senderOf(event), ...user, ...doubt, ...content }
  const names = Object.keys(attributes)
  const expiry = ttl === undefined ? {} : { ttl }
  const values = Object.entries({ ...attributes, ...expiry, count, token: token.text }).map(
    ([name, value]) => [`:${name}`, value] as const,
  )
  return new UpdateItemCommand({
    TableName: table,
    Key: marshall({ key: quarantineKey(event) }),
    UpdateExpression: `SET ${names.map(name => `#${name} = if_not_exists(#${name}, :${name})`).join(', ')}, ${setTtl(ttl)}#slot = :token ADD #count :count`,
    ConditionExpression: NOT_ADDED,
    ExpressionAttributeNames: {
      ...Object.fromEntries([...names, ...Object.keys(expiry), 'count'].map(name => [`#${name}`, name])),
      '#slot': token.slot,
    },
    ExpressionAttributeValues: marshall(Object.fromEntries(values)),
  })
}

const senderOf = ({ keyId, clientSource }: QuarantinedEvent): Pick<QuarantinedEvent, 'keyId' | 'clientSource'> => ({
  ...(keyId !== undefined && { keyId }),
  ...(clientSource !== undefined && { clientSource }),
})

/** Every addition renews the expiry of the item. */
const setTtl = (ttl: number | undefined): string => (ttl === undefined ? '' : '#ttl = :ttl, ')

/** Adds to the count of an event that is stored already: its first body is kept, so a second one would never be removed. */
const countOf = (event: QuarantinedEvent, { token, ttl, table }: Addition): UpdateItemCommand =>
  new UpdateItemCommand({
    TableName: table,
    Key: marshall({ key: quarantineKey(event) }),
    UpdateExpression: `SET ${setTtl(ttl)}#slot = :token ADD #count :count`,
    ConditionExpression: `attribute_exists(#key) AND ${NOT_ADDED}`,
    ExpressionAttributeNames: {
      '#key': 'key',
      '#count': 'count',
      '#slot': token.slot,
      ...(ttl !== undefined && { '#ttl': 'ttl' }),
    },
    ExpressionAttributeValues: marshall({
      ':count': event.count ?? 1,
      ':token': token.text,
      ...(ttl !== undefined && { ':ttl': ttl }),
    }),
    ReturnValues: 'ALL_NEW',
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
