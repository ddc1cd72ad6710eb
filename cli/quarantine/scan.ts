import { paginateScan } from '@aws-sdk/client-dynamodb'
import pLimit from 'p-limit'
import { asBundle, type BundleItem, bundleStore, type QuarantineStores } from '../../lambdas/quarantine/dynamodb-bundles.ts'
import { isExpired } from '../../lambdas/quarantine/dynamodb-expiry.ts'
import { readIdentified } from '../../lambdas/quarantine/dynamodb-read.ts'
import { bundledSummary, mergeEqual } from '../../shared/bundled-event.ts'
import type { CollectRequest, CollectResult, IdentifiedSummary, QuarantineSummary } from '../../shared/quarantine.ts'
import { dynamodbOf, s3Of } from '../clients.ts'
import { invoke } from '../invoke.ts'
import type { Target } from '../target.ts'
import { collectWarnings } from './warnings.ts'

/** What a list reads of the item of an event. */
const EVENT_FIELDS = [
  'key',
  'code',
  'message',
  'type',
  'id',
  'keyName',
  'received',
  'count',
  'mayHaveBeenFolded',
  'sentAt',
] as const satisfies readonly (keyof QuarantineSummary)[]

/** What it reads of the item of a bundle in addition. */
const BUNDLE_FIELDS = ['form', 'events', 'object', 'unpacked', 'unpacking'] as const
const FIELDS = [...EVENT_FIELDS, ...BUNDLE_FIELDS, 'subject', 'first', 'position', 'ttl']

const BUNDLES_AT_ONCE = 16
/** A bundle that is unpacked during a scan is in the table afterwards. */
const MAX_SCANS = 3

export const quarantineStoresOf = (target: Target): QuarantineStores => ({
  table: target.outputs.QuarantineTable,
  bucket: target.outputs.QuarantineBucket,
  dynamodb: dynamodbOf(target),
  s3: s3Of(target),
  now: Date.now,
})

/**
 * Moves failures that still wait in a bucket into the quarantine, then returns everything in it. Warns if objects are left in a
 * bucket.
 */
export async function collectedItems(target: Target): Promise<IdentifiedSummary[]> {
  const request: CollectRequest = { returnLeft: true }
  const result = (await invoke(target, target.outputs.CollectFailuresFunction, request)) as CollectResult
  for (const warning of collectWarnings(result)) console.error(`warning: ${warning}`)
  const { summaries, unfinished } = await scan(quarantineStoresOf(target))
  if (unfinished.length === 0) return summaries
  await unpack(target, unfinished)
  return scanQuarantine(quarantineStoresOf(target))
}

const BUNDLES_PER_CALL = 20

/** Turns the events of these bundles into items of their own. */
export async function unpack(target: Target, bundles: readonly string[]): Promise<void> {
  for (let at = 0; at < bundles.length; at += BUNDLES_PER_CALL) {
    const request: CollectRequest = { unpack: bundles.slice(at, at + BUNDLES_PER_CALL) }
    await invoke(target, target.outputs.CollectFailuresFunction, request)
  }
}

/** Everything in the quarantine, without the bodies; what was received together is in the order of its request. */
export const scanQuarantine = async (stores: QuarantineStores): Promise<IdentifiedSummary[]> => (await scan(stores)).summaries

interface Scan {
  readonly summaries: IdentifiedSummary[]
  /** Keys of bundles whose unpacking broke off: some of their events are counted twice. */
  readonly unfinished: readonly string[]
}

async function scan(stores: QuarantineStores): Promise<Scan> {
  const { readEvents } = bundleStore(stores)
  for (let scans = 1; ; scans++) {
    const { events, bundles } = await readTable(stores)
    const read = await pLimit(BUNDLES_AT_ONCE).map(bundles, async bundle =>
      (await readEvents(bundle))?.map(event => bundledSummary(event, bundle)),
    )
    if (scans < MAX_SCANS && read.includes(undefined)) continue
    const merged = [...mergeEqual([...events, ...read.flatMap(found => found ?? [])]).values()]
    const unfinished = bundles.filter(({ unpacking }) => unpacking !== undefined).map(({ key }) => key)
    return { summaries: merged.sort((a, b) => a.position - b.position).map(withoutPosition), unfinished }
  }
}

type Positioned = IdentifiedSummary & { readonly position: number }

const withoutPosition = ({ position: _position, ...summary }: Positioned): IdentifiedSummary => summary

async function readTable({ dynamodb, table, now }: QuarantineStores): Promise<{ events: Positioned[]; bundles: BundleItem[] }> {
  const names = Object.fromEntries(FIELDS.map(field => [`#${field}`, field]))
  const request = {
    TableName: table,
    ConsistentRead: true,
    ProjectionExpression: Object.keys(names).join(', '),
    ExpressionAttributeNames: names,
  }
  const events: Positioned[] = []
  const bundles: BundleItem[] = []
  for await (const { Items = [] } of paginateScan({ client: dynamodb }, request))
    for (const item of Items.filter(each => !isExpired(each, now()))) {
      const bundle = asBundle(item)
      if (bundle) bundles.push(bundle)
      else events.push({ ...readIdentified(item), position: Number(item['position']?.N ?? 0) })
    }
  return { events, bundles }
}
