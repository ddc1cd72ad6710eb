import { BatchGetItemCommand } from '@aws-sdk/client-dynamodb'
import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import pLimit from 'p-limit'
import { type BundledSummary, bundledSummary, mergeEqual } from '../../shared/bundled-event.ts'
import { BUNDLES_PREFIX, sampleOf } from '../../shared/quarantine.ts'
import { SafeError } from '../../shared/safe-error.ts'
import type { Attributes } from '../dynamodb.ts'
import { asBundle, type BundleItem, bundleStore, type QuarantineStores } from '../quarantine/dynamodb-bundles.ts'
import { isExpired } from '../quarantine/dynamodb-expiry.ts'
import { StoreFailure } from '../store-failure.ts'

/** A request reads bundles until they have this many events, which takes about a second. */
const EVENTS_PER_GROUP = 40_000
const OBJECTS_PER_LIST = 100
const BUNDLES_AT_ONCE = 16
/** DynamoDB accepts at most 100 keys. */
const KEYS_PER_CALL = 100
const MAX_ATTEMPTS = 5

const FIELDS = [
  ...['key', 'code', 'message', 'type', 'id', 'keyName', 'received', 'count', 'mayHaveBeenFolded', 'sample', 'ttl'],
  ...['form', 'events', 'object', 'first', 'unpacked', 'unpacking'],
]

/** Reads of items everything but bodies. */
export const withoutBodies = {
  ProjectionExpression: FIELDS.map(field => `#${field}`).join(', '),
  ExpressionAttributeNames: Object.fromEntries(FIELDS.map(field => [`#${field}`, field])),
}

/** An event of a bundle, with the beginning of its body. */
export interface SampledSummary extends BundledSummary {
  readonly sample: string
}

/** Some bundles that follow each other in the bucket. */
export interface BundleGroup {
  /** The events of all, by key: equal events are one with the sum of their counts. */
  readonly summaries: ReadonlyMap<string, SampledSummary>
  /** The key of the last bundle. Undefined: no bundle follows. */
  readonly last: string | undefined
}

/** Reads groups of bundles. The bundles that a group had are kept for the next call: their objects never change. */
export function bundleGroups(stores: QuarantineStores) {
  let known: ReadonlyMap<string, readonly SampledSummary[]> = new Map()
  /** The group of the bundles after this key. */
  return async (after: string | undefined): Promise<BundleGroup> => {
    const listed = await listBundles(after, stores)
    const items = (await readItems(listed.keys, stores)).flatMap(item => asBundle(item) ?? [])
    const { group, last } = firstOf(listed, new Map(items.map(item => [item.key, item])))
    const limit = pLimit(BUNDLES_AT_ONCE)
    const names = new Set(group.map(nameOf))
    const kept = new Map([...known].filter(([name]) => names.has(name)))
    known = kept
    const summariesOf = async (bundle: BundleItem): Promise<readonly SampledSummary[]> => {
      const summaries = kept.get(nameOf(bundle)) ?? (await limit(() => read(bundle, stores)))
      // After the read: a kept promise that fails, or never ends, would fail every later request.
      kept.set(nameOf(bundle), summaries)
      return summaries
    }
    const summaries = await Promise.all(group.map(summariesOf))
    return { summaries: mergeEqual(summaries.flat()), last }
  }
}

/** A bundle in one state of its counts. */
const nameOf = ({ object, count, unpacked = 0 }: BundleItem): string => `${object} ${count} ${unpacked}`

/** The first bundles that have enough events together, and the last key if others follow. */
function firstOf(
  { keys, isWhole }: ListedBundles,
  items: ReadonlyMap<string, BundleItem>,
): { group: BundleItem[]; last: string | undefined } {
  const group: BundleItem[] = []
  let events = 0
  for (const [at, key] of keys.entries()) {
    const item = items.get(key)
    if (item) group.push(item)
    events += item?.events ?? 0
    if (events >= EVENTS_PER_GROUP && at < keys.length - 1) return { group, last: key }
  }
  return { group, last: isWhole ? undefined : keys.at(-1) }
}

interface ListedBundles {
  /** In ascending order. */
  readonly keys: readonly string[]
  /** False: others may follow. */
  readonly isWhole: boolean
}

/** The keys of the first bundles after a key. */
async function listBundles(after: string | undefined, { bucket, s3 }: QuarantineStores): Promise<ListedBundles> {
  const { Contents = [] } = await s3.send(
    new ListObjectsV2Command({
      Bucket: bucket,
      Prefix: BUNDLES_PREFIX,
      MaxKeys: OBJECTS_PER_LIST,
      // Sorts after all objects of that bundle.
      ...(after !== undefined && { StartAfter: `${BUNDLES_PREFIX}${after}/~` }),
    }),
  )
  const keys = new Set(Contents.flatMap(({ Key }) => Key?.slice(BUNDLES_PREFIX.length).split('/')[0] ?? []))
  return { keys: [...keys], isWhole: Contents.length < OBJECTS_PER_LIST }
}

async function read(bundle: BundleItem, stores: QuarantineStores): Promise<readonly SampledSummary[]> {
  const events = (await bundleStore(stores).readEvents(bundle)) ?? []
  return events.map(event => ({ ...bundledSummary(event, bundle), sample: sampleOf(event) }))
}

/** The items with these keys that have not expired. */
export async function readItems(keys: readonly string[], { table, dynamodb, now }: QuarantineStores): Promise<Attributes[]> {
  const chunks = Array.from({ length: Math.ceil(keys.length / KEYS_PER_CALL) }, (_, n) =>
    keys.slice(n * KEYS_PER_CALL, (n + 1) * KEYS_PER_CALL),
  )
  const found = await Promise.all(chunks.map(chunk => readChunk(chunk, table, dynamodb)))
  return found.flat().filter(item => !isExpired(item, now()))
}

async function readChunk(keys: readonly string[], table: string, dynamodb: QuarantineStores['dynamodb']): Promise<Attributes[]> {
  const found: Attributes[] = []
  let wanted: Attributes[] = keys.map(key => ({ key: { S: key } }))
  for (let attempt = 0; attempt < MAX_ATTEMPTS && wanted.length > 0; attempt++) {
    const request = new BatchGetItemCommand({ RequestItems: { [table]: { Keys: wanted, ...withoutBodies } } })
    const { Responses, UnprocessedKeys } = await dynamodb.send(request)
    found.push(...(Responses?.[table] ?? []))
    wanted = UnprocessedKeys?.[table]?.Keys ?? []
  }
  if (wanted.length > 0) throw new StoreFailure(new SafeError('The quarantine table is throttled.'))
  return found
}
