import type { DynamoDBRecord, KinesisStreamRecord } from 'aws-lambda'
import { logBytesOf } from '../../../cli/cost/units.ts'
import { defineHandler, type Telemetry } from '../../../lambdas/handler.ts'
import { ingest } from '../../../lambdas/ingest/ingest.ts'
import { keyQuotas } from '../../../lambdas/ingest/key-quotas.ts'
import type { StreamRecord } from '../../../lambdas/ingest/plan-records.ts'
import { indexBatch } from '../../../lambdas/search/index-batch.ts'
import { planEvents } from '../../../lambdas/search/plan-events.ts'
import { stateTable } from '../../../lambdas/state/dynamodb.ts'
import { pageCache, pagesTable } from '../../../lambdas/state/dynamodb-pages.ts'
import { foldBatch } from '../../../lambdas/state/fold-batch.ts'
import { mergeBatch } from '../../../lambdas/windows/merge-batch.ts'
import { eventTypes, projections } from '../../../shared/catalogue.ts'
import { environments, type FunctionName } from '../../../shared/environment.ts'
import { memoryRules } from '../../../shared/memory/rules.ts'
import { parseRawEventTypes } from '../../../shared/raw-events.ts'
import { aKey } from '../../fixtures/keys.ts'
import { quotasInMemory } from '../../fixtures/quota-load.ts'
import type { MeteredTable } from './metered-table.ts'

const HOUR_MS = 3_600_000
const DAY_HOURS = 24
const catalogue = new Map(eventTypes.map(type => [type.name, type]))

/** What a function used of Lambda and of the logs. */
export interface FunctionMeter {
  invocations: number
  cpuMs: number
  /** How long the function waited for other services, by a model. */
  waitMs: number
  logBytes: number
  /** Metrics of the log lines. */
  repeated: number
  skipped: number
}

export const newFunctionMeter = (): FunctionMeter => ({
  ...{ invocations: 0, cpuMs: 0, waitMs: 0, logBytes: 0, repeated: 0, skipped: 0 },
})

/** Passes an input to a function as Lambda does. Returns the milliseconds of CPU that it needed. */
export type Invoke = (input: object) => Promise<number>

/** A function of the product: the CPU time for its input, JSON included, and the bytes of its log line are metered. */
function meteredFunction<F extends FunctionName>(
  name: F,
  meters: Readonly<Record<string, FunctionMeter>>,
  start: (input: never, telemetry: Telemetry) => Promise<unknown>,
): Invoke {
  for (const variable of environments[name]) process.env[variable] ??= 'none'
  process.env['POWERTOOLS_METRICS_NAMESPACE'] ??= 'millrace-prod'
  const handler = defineHandler(name, () => start)
  const write = process.stdout.write
  return async input => {
    const meter = meters[name] as FunctionMeter
    const payload = JSON.stringify(input)
    process.stdout.write = ((line: string) => {
      meter.logBytes += logBytesOf(line.trimEnd())
      const { EventsRepeated = 0, LookupsSkipped = 0 } = JSON.parse(line) as Readonly<Record<string, number | undefined>>
      meter.repeated += EventsRepeated
      meter.skipped += LookupsSkipped
      return true
    }) as typeof write
    const before = process.cpuUsage()
    try {
      const result = await handler(JSON.parse(payload) as never, { awsRequestId: '0f6a2b1e-5b1d-4a58-9d1c-2f1f5f6f7a01' })
      check(result)
    } finally {
      process.stdout.write = write
    }
    const { user, system } = process.cpuUsage(before)
    meter.invocations += 1
    meter.cpuMs += (user + system) / 1000
    return (user + system) / 1000
  }
}

/** The bench is about what goes well: every request is accepted, and every batch is done. */
function check(result: unknown): void {
  const { statusCode = 200, body, batchItemFailures = [] } = (result ?? {}) as Readonly<Record<string, never>>
  if (statusCode !== 200 || (batchItemFailures as readonly unknown[]).length > 0)
    throw new Error(`A function of the bench failed: ${statusCode} ${body ?? 'records are returned'}`)
}

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
  readonly retentionHours: number
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

/** The readers of the event stream and of the state table. */
export function readers(meters: Meters, stores: Stores) {
  const { now, retentionHours } = stores
  const table = stateTable('state', stores.table.operations())
  const retentionMs = (retentionHours + DAY_HOURS) * HOUR_MS
  const memory = memoryRules({
    IDENTITY_MINUTES: String(stores.identities.minutes),
    IDENTITY_COUNT: String(stores.identities.count),
    IDENTITY_DAYS: String(stores.identities.days),
  })
  const newPages = () => pagesTable('pages', stores.pages.operations(), pageCache(stores.cacheBytes))
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
    state: meteredFunction('state', meters, (({ Records }: { Records: KinesisStreamRecord[] }, telemetry: Telemetry) =>
      foldBatch(Records, {
        ...{ table, pages, quarantine, eventTypes: catalogue, retryBudgetMs: 300_000, now, telemetry },
        rules: { projections, memory, retentionMs, latenessMs: undefined },
      })) as never),
    windows: meteredFunction('windows', meters, (({ Records }: { Records: DynamoDBRecord[] }, telemetry: Telemetry) =>
      mergeBatch(Records, {
        ...{ table, quarantine, projections, telemetry, now },
        lifetime: { latenessMs: undefined, retentionMs },
      })) as never),
    documents: meteredFunction('index-documents', meters, (({ Records }: { Records: DynamoDBRecord[] }, telemetry: Telemetry) =>
      indexBatch(Records, { client, table, quarantine, projections, telemetry, now })) as never),
    events: meteredFunction('index-events', meters, (async ({ Records }: { Records: KinesisStreamRecord[] }) => {
      const { operations } = planEvents(
        Records.map(({ kinesis }) => ({
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
    indices: { refresh: async () => ({}) },
  }
}
