import { createHash, randomUUID } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { S3Client } from '@aws-sdk/client-s3'
import pLimit from 'p-limit'
import { type Environment, NONE } from '../../shared/environment.ts'
import {
  BODIES_PREFIX,
  BUNDLES_PREFIX,
  countDistinct,
  type Quarantine,
  type QuarantinedEvent,
  quarantineKey,
  type StoredQuarantinedEvent,
  sampleOf,
  UNCOLLECTED_PREFIX,
  withoutKeys,
} from '../../shared/quarantine.ts'
import { conditionHeld, refusedWrite } from '../dynamodb.ts'
import type { Bundle } from './bundle.ts'
import { isExpired } from './dynamodb-expiry.ts'
import { type Unpacking, unpackedItems } from './dynamodb-unpacked.ts'
import { type Addition, beginAgain, countOnly, storeOrCount, tokenOf } from './dynamodb-updates.ts'
import { planRefused } from './plan-refused.ts'
import type { failureBucket } from './s3.ts'

/** Compressed bodies up to this size are stored in the item; DynamoDB limits an item to 400 KB. */
const MAX_INLINE_BYTES = 300_000
const MAX_CONCURRENT_WRITES = 64
/** Writing more distinct events than this one by one would take too long for a function with a time-out. */
export const MAX_EVENTS_PER_CALL = 2_500
/** The collect-failures function writes this many events in half a minute or less. */
const EVENTS_PER_OBJECT = 25_000
const DAY_SECONDS = 86_400
/** Of the key of a bundle, in the name of the slot that earlier versions gave its events. */
const SLOT_CHARACTERS = 16

/** An item of the table. `object` is the key of an S3 object with a body that is too large for the item. */
export type StoredItem = Omit<StoredQuarantinedEvent, 'body' | 'wholeKey'> & {
  readonly body?: Uint8Array
  readonly object?: string
}

/** How long an item stays after its last occurrence. */
interface Expiry {
  /** Undefined: without limit. */
  readonly days: number | undefined
  /** Milliseconds since 1970. */
  readonly now: () => number
}

type QuarantineEnvironment = Pick<Environment<'ingest'>, 'QUARANTINE_TABLE' | 'QUARANTINE_BUCKET' | 'QUARANTINE_DAYS'>

/** The quarantine of a function that adds to it what a store missed: one item for each event, whole. */
export const quarantineOf = (environment: QuarantineEnvironment): QuarantineStore => storeOf(environment)

/** The quarantine of ingest, for the rejected events of requests. A request costs a bounded number of writes. */
export const requestQuarantineOf = (environment: QuarantineEnvironment): Quarantine => requestQuarantine(storeOf(environment))

export const requestQuarantine = (store: QuarantineStore): Quarantine => ({
  async add(events) {
    const { alone, bundle } = planRefused(events)
    if (bundle) await store.addBundle(bundle)
    else await store.add(alone)
  },
})

const storeOf = ({ QUARANTINE_TABLE, QUARANTINE_BUCKET, QUARANTINE_DAYS }: QuarantineEnvironment) =>
  quarantineStore(QUARANTINE_TABLE, QUARANTINE_BUCKET, undefined, undefined, {
    days: QUARANTINE_DAYS === NONE ? undefined : Number(QUARANTINE_DAYS),
    now: Date.now,
  })

type PutObject = (key: string, body: Uint8Array) => Promise<void>

/**
 * The quarantine: a table of rejected events and the reasons. Large bodies and bundles are stored in the bucket. Calls of `add` with
 * very many events write them to the bucket, too, and lambdas/quarantine/collect-failures.lambda.ts moves them into the table.
 */
export function quarantineStore(
  table: string,
  bucket: string,
  client = new DynamoDBClient({}),
  s3?: S3Client,
  { days, now }: Expiry = { days: undefined, now: Date.now },
) {
  const put = lazyPut(bucket, s3)
  const ttl = (): number | undefined => (days === undefined ? undefined : Math.ceil(now() / 1000) + days * DAY_SECONDS)
  const additionOf = (facts: Pick<Addition, 'key' | 'count' | 'token' | 'others'>): Addition => ({
    table,
    ...facts,
    ttl: ttl(),
    now: now(),
  })
  const putEvent = async (event: QuarantinedEvent, token: Addition['token']): Promise<void> => {
    const others = (event.otherOccurrences ?? []).map(occurrence => tokenOf(occurrence))
    const addition = additionOf({ key: quarantineKey(event), count: event.count ?? 1, token, others })
    const body = gzipSync(event.body)
    if (body.length > MAX_INLINE_BYTES) await putWithObject(attributesOf(event), addition, BODIES_PREFIX, body)
    else await putItem({ ...attributesOf(event), body }, addition, client)
  }
  /**
   * The object is stored before the item that names it: a function that ends in between leaves an object that expires unread. No
   * other call writes an object of this name, so none can have removed it before the item names it.
   */
  const putWithObject = async (
    attributes: Readonly<Record<string, unknown>>,
    addition: Addition,
    prefix: string,
    body: Uint8Array,
  ): Promise<void> => {
    const name = `${prefix}${addition.key}/${addition.token.text}.gz`
    const counted = await countStored(addition, client)
    // An object expires some days after it was written, so it is written again.
    if (counted?.object && addition.ttl !== undefined) await put(counted.object, body)
    if (counted) return
    await put(name, body)
    await putItem({ ...attributes, object: name }, addition, client)
  }
  return {
    /** Stores events in the quarantine. Returns when all are stored; throws if any could not be stored. */
    async add(events: readonly QuarantinedEvent[]): Promise<void> {
      const distinct = countDistinct(events.map(withoutKeys))
      const limit = pLimit(MAX_CONCURRENT_WRITES)
      const call = randomUUID()
      if (distinct.length <= MAX_EVENTS_PER_CALL)
        await limit.map(distinct, event => putEvent(event, tokenOf(event.occurrence ?? call)))
      else await limit.map(refusedObjects(distinct), ({ key, body }) => put(key, body))
    },

    /** Adds the events of a bundle as items. Of each, at most 64 KB are kept, which an item can hold. Can be repeated. */
    async addUnpacked(events: readonly QuarantinedEvent[], bundle: string, unpacking: Unpacking): Promise<void> {
      const token = tokenOf(unpacking.mark, bundle.slice(0, SLOT_CHARACTERS))
      const addOnce = unpackedItems(client, unpacking)
      await pLimit(MAX_CONCURRENT_WRITES).map(events, event => {
        const addition = additionOf({ key: quarantineKey(event), count: event.count ?? 1, token, others: [] })
        return addOnce({ ...attributesOf(event), body: gzipSync(event.body) }, addition)
      })
    },

    async addBundle({ key, received, events, text }: Bundle): Promise<void> {
      const addition = additionOf({ key, count: 1, token: tokenOf(randomUUID()), others: [] })
      await putWithObject({ form: 'bundle', received, events }, addition, BUNDLES_PREFIX, gzipSync(text))
    },
  }
}

export type QuarantineStore = ReturnType<typeof quarantineStore>

/** Loads the S3 client with the first object: it is seldom needed, and loading it at every cold start would take time. */
function lazyPut(bucket: string, client: S3Client | undefined): PutObject {
  let objects: Promise<ReturnType<typeof failureBucket>> | undefined
  return async (key, body) => {
    objects ??= import('./s3.ts').then(loaded => loaded.failureBucket(bucket, client))
    await (await objects).put(key, body)
  }
}

/**
 * Adds to the count of an item that is stored already, unless this addition was counted: its first object is kept, so a second one
 * would never be removed. Undefined if there is no item, or if it has expired.
 */
async function countStored(
  addition: Addition,
  client: DynamoDBClient,
): Promise<{ readonly object: string | undefined } | undefined> {
  const counting = client.send(countOnly(addition))
  const refused = await refusedWrite(counting)
  const item = refused ? refused.item : (await counting).Attributes
  return item && !isExpired(item, addition.now) ? { object: item['object']?.S } : undefined
}

/**
 * Stores an item, or adds to its count. A condition fails if this addition was counted, or if the item has expired: then it begins
 * again, unless another addition has begun it meanwhile.
 */
async function putItem(attributes: Readonly<Record<string, unknown>>, addition: Addition, client: DynamoDBClient): Promise<void> {
  for (const write of [storeOrCount, beginAgain, storeOrCount])
    if (await conditionHeld(client.send(write(attributes, addition)))) return
}

/** The attributes of the item of an event, without its body. */
function attributesOf(event: QuarantinedEvent): Readonly<Record<string, unknown>> {
  const { code, message, keyName, keyId, clientSource, received, form, type, id, subject, position = 0, size } = event
  return {
    ...{ code, message, keyName, received, form, type, id, position, sample: sampleOf(event) },
    ...(keyId !== undefined && { keyId }),
    ...(clientSource !== undefined && { clientSource }),
    ...(subject !== undefined && { subject }),
    ...(size !== undefined && { size }),
    ...(event.mayHaveBeenFolded && { mayHaveBeenFolded: true }),
  }
}

/** The objects for a call with very many events. Their keys are content hashes, so that writing one again changes nothing. */
const refusedObjects = (events: readonly QuarantinedEvent[]): { key: string; body: Uint8Array }[] =>
  [...chunksOf(events)].map(chunk => {
    const text = chunk.map(event => `${JSON.stringify(event)}\n`).join('')
    return { key: `${UNCOLLECTED_PREFIX}${createHash('sha256').update(text).digest('hex')}.gz`, body: gzipSync(text) }
  })

function* chunksOf(events: readonly QuarantinedEvent[]): Generator<readonly QuarantinedEvent[]> {
  for (let at = 0; at < events.length; at += EVENTS_PER_OBJECT) yield events.slice(at, at + EVENTS_PER_OBJECT)
}
