import type { DynamoDBRecord, KinesisStreamRecord } from 'aws-lambda'
import type { Telemetry } from '../../../lambdas/handler.ts'
import { ingest } from '../../../lambdas/ingest/ingest.ts'
import { keyQuotas } from '../../../lambdas/ingest/key-quotas.ts'
import type { StreamRecord } from '../../../lambdas/ingest/plan-records.ts'
import { indexBatch } from '../../../lambdas/search/index-batch.ts'
import { planEvents } from '../../../lambdas/search/plan-events.ts'
import { stateTable } from '../../../lambdas/state/dynamodb.ts'
import { pageCache, pagesTable } from '../../../lambdas/state/dynamodb-pages.ts'
import { foldBatch } from '../../../lambdas/state/fold-batch.ts'
import { FoldTurns } from '../../../lambdas/state/fold-turns.ts'
import { mergeBatch } from '../../../lambdas/windows/merge-batch.ts'
import { eventTypes, projections } from '../../../shared/catalogue.ts'
import { isIdentityPage } from '../../../shared/memory/page-content.ts'
import { memoryRules } from '../../../shared/memory/rules.ts'
import { parseRawEventTypes } from '../../../shared/raw-events.ts'
import { MAX_DELIVERY_MS } from '../../../shared/record-age.ts'
import { aKey } from '../../fixtures/keys.ts'
import { quotasInMemory } from '../../fixtures/quota-load.ts'
import { type FunctionMeter, meteredFunction } from './metered-function.ts'
import type { MeteredTable } from './metered-table.ts'

const HOUR_MS = 3_600_000
/** Of an identity or a reference, as the cache of the state function counts them. */
const CACHED_BYTES = 200
const catalogue = new Map(eventTypes.map(type => [type.name, type]))

const fails = async (events: readonly unknown[]): Promise<void> => {
  if (events.length > 0) throw new Error(`The bench quarantines nothing, but got ${JSON.stringify(events[0])}.`)
}
const quarantine = { add: fails }

export interface Stores {
  readonly table: MeteredTable
  readonly pages: MeteredTable
  readonly now: () => number
  /** Bytes that the cache of pages may have. */
  readonly cacheBytes: number
  readonly rawEvents: { readonly types: readonly string[] | 'all' | 'none'; readonly days: number }
  readonly identities: { readonly minutes: number; readonly count: number; readonly days: number }
}

export type Meters = Readonly<Record<'ingest' | 'state' | 'windows' | 'index-documents' | 'index-events', FunctionMeter>>

/** Ingest with its stores in memory. `put` gets the records of a request. */
export function ingestFunction(
  meters: Meters,
  now: () => number,
  put: (records: readonly StreamRecord[]) => { readonly shard: string; readonly sequence: string }[],
) {
  const key = aKey({ id: 'k_018f3c5e', name: 'production' })
  const { store, calls } = quotasInMemory()
  const spentKeys = async () => {
    throw new Error('The bench spends no quota.')
  }
  const quotas = keyQuotas({ store, quotaOf: () => ({ minute: 300_000, day: 'none' }), spentKeys, now })
  let created = 0
  const handle = ingest({
    keys: { find: async () => key },
    quarantine,
    putRecords: async records => ({ positions: put(records), refused: [] }),
    withinRateLimit: () => true,
    quotas,
    signedTraits: false,
    now,
    newId: () => `made-${++created}`,
  })
  return { invoke: meteredFunction('ingest', meters, handle as never), leases: calls }
}

/** A cache that adds what its pages need, until pages have to go. */
function countedCache(limit: number, cached: { bytes: number }): ReturnType<typeof pageCache> {
  const cache = pageCache(limit)
  const set: typeof cache.set = (user, id, content) => {
    if (!cache.get(user, id))
      cached.bytes += CACHED_BYTES * (isIdentityPage(content) ? content.identities : content.references).length
    cache.set(user, id, content)
  }
  return { ...cache, set }
}

/** The readers of the event stream and of the state table. */
export function readers(meters: Meters, stores: Stores) {
  const { now } = stores
  const table = stateTable('state', stores.table.operations())
  const retentionMs = MAX_DELIVERY_MS
  const memory = memoryRules({
    IDENTITY_MINUTES: String(stores.identities.minutes),
    IDENTITY_COUNT: String(stores.identities.count),
    IDENTITY_DAYS: String(stores.identities.days),
  })
  const cached = { bytes: 0 }
  const newPages = () => {
    cached.bytes = 0
    return pagesTable('pages', stores.pages.operations(), countedCache(stores.cacheBytes, cached))
  }
  let pages = newPages()
  const client = searchClient()
  const raw = {
    eventTypes: catalogue,
    isOn: parseRawEventTypes([stores.rawEvents.types].flat().join()),
    retentionDays: stores.rawEvents.days,
  }
  return {
    /** A new environment of the state function. */
    emptyCaches: () => {
      pages = newPages()
    },
    client,
    cached,
    state: meteredFunction('state', meters, (({ Records }: { Records: KinesisStreamRecord[] }, telemetry: Telemetry) =>
      foldBatch(Records, {
        ...{
          table,
          pages,
          quarantine,
          eventTypes: catalogue,
          retryBudgetMs: 300_000,
          turns: new FoldTurns('bench'),
          now,
          telemetry,
        },
        rules: { projections, memory, retentionMs, latenessMs: undefined },
      })) as never),
    windows: meteredFunction('windows', meters, (({ Records }: { Records: DynamoDBRecord[] }, telemetry: Telemetry) =>
      mergeBatch(Records, {
        ...{ table, quarantine, projections, deploymentWaitMs: HOUR_MS, telemetry, now },
        lifetime: { latenessMs: undefined, retentionMs },
      })) as never),
    documents: meteredFunction('index-documents', meters, (({ Records }: { Records: DynamoDBRecord[] }, telemetry: Telemetry) =>
      indexBatch(Records, {
        ...{ client, table, quarantine, projections, deploymentWaitMs: HOUR_MS, telemetry, now },
      })) as never),
    events: meteredFunction('index-events', meters, (async ({ Records }: { Records: KinesisStreamRecord[] }) => {
      const { operations } = planEvents(
        Records.map(({ kinesis }) => ({
          sequenceNumber: kinesis.sequenceNumber,
          text: Buffer.from(kinesis.data, 'base64').toString(),
          arrived: Math.trunc(kinesis.approximateArrivalTimestamp * 1000),
        })),
        raw,
      )
      if (operations.length > 0) await client.bulk({ body: [...operations] })
    }) as never),
  }
}

/** OpenSearch that accepts everything. It encodes the requests, as the client does. */
function searchClient() {
  const used = { requests: 0, documents: 0, bytes: 0 }
  return {
    used,
    bulk: async ({ body }: { readonly body: object[] }) => {
      const text = body.map(line => JSON.stringify(line)).join('\n')
      const actions = body.flatMap(line => ['index', 'delete', 'create'].filter(action => action in line))
      used.requests += 1
      used.documents += actions.length
      used.bytes += Buffer.byteLength(text)
      return { body: { items: actions.map(action => ({ [action]: { status: 201 } })) } }
    },
    search: async () => ({ body: { hits: { hits: [] } } }),
    indices: { refresh: async () => ({}), getMapping: async () => ({ body: {} }) },
  }
}
