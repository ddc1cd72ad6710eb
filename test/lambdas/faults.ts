import type { APIGatewayProxyEventV2, DynamoDBRecord, KinesisStreamEvent, KinesisStreamRecord } from 'aws-lambda'
import { defineHandler } from '../../lambdas/handler.ts'
import { ingest } from '../../lambdas/ingest/ingest.ts'
import { writeBulk } from '../../lambdas/search/write-bulk.ts'
import { stateTable } from '../../lambdas/state/dynamodb.ts'
import { foldBatch } from '../../lambdas/state/fold-batch.ts'
import { mergeBatch } from '../../lambdas/windows/merge-batch.ts'
import { MAX_SLOT_USERS } from '../../lambdas/windows/plan-windows.ts'
import type { BulkOperation } from '../../shared/bulk-operation.ts'
import { eventTypes, projections } from '../../shared/catalogue.ts'
import { environments, type FunctionName } from '../../shared/environment.ts'
import type { Event } from '../../shared/event.ts'
import { projectionKey } from '../../shared/projection.ts'
import { countryMinutes } from '../../shared/projections/country-minutes.ts'
import { deviceMinutes } from '../../shared/projections/device-minutes.ts'
import { toLine } from '../../shared/stream-record.ts'
import { aReading, aRecord, aVisit } from '../builders.ts'
import { Table } from '../simulation/table.ts'

const HOUR_MS = 3_600_000
const catalogue = new Map(eventTypes.map(type => [type.name, type]))
const quarantine = { add: async () => undefined }
const unreachable = async (): Promise<never> => {
  throw new Error('connect ECONNREFUSED')
}

/** The functions' own code in every trouble that a metric counts, with stores in memory or away; what they log is for the caller to catch. */
export async function causeFaults(): Promise<void> {
  for (const name of [...Object.values(environments).flat(), 'POWERTOOLS_METRICS_NAMESPACE']) process.env[name] = 'none'
  const table = new Table()
  await stateFaults(table)
  await windowFaults(table)
  for (const name of ['index-documents', 'index-events', 'reindex'] as const) await searchFaults(name)
  await ingestFault()
  await queryFault()
}

const stateOf = (table: Table) =>
  stateTable('any', { send: async (command: Parameters<Table['execute']>[0]) => table.execute(command, 'done') } as never)

/** A late event, one that no projection can fold, a user whose item is throttled, and two writers of one item. */
async function stateFaults(table: Table): Promise<void> {
  const rules = {
    projections,
    identities: { milliseconds: HOUR_MS, count: 2500 },
    latenessMs: HOUR_MS,
    retentionMs: 0,
  }
  const parts = { table: stateOf(table), quarantine, eventTypes: catalogue, rules, retryBudgetMs: HOUR_MS, now: Date.now }
  const fold = defineHandler(
    'state',
    () =>
      ({ Records }: KinesisStreamEvent, telemetry) =>
        foldBatch(Records, { ...parts, telemetry }),
  )
  table.heat('user#7|state', 1)
  const troubled = [
    aReading({ timestamp: 0 }),
    aReading({ timestamp: Number.MAX_VALUE }, { id: 'e2' }),
    aVisit('/a', 1, { subject: '7' }),
  ]
  await fold({ Records: troubled.map(streamRecord) })
  const time = BigInt(Date.now()) * 1000n
  const contested = {
    Records: [aReading({ timestamp: Date.now() / 1000 }, { id: 'e3' }), aRecord({}, { time })].map(streamRecord),
  }
  await Promise.all([fold(contested), fold(contested)])
}

const streamRecord = (event: Event, i: number): KinesisStreamRecord =>
  ({
    eventID: `shardId-000000000000:${i + 1}`,
    kinesis: {
      sequenceNumber: String(i + 1),
      approximateArrivalTimestamp: Date.now() / 1000,
      data: Buffer.from(toLine(event, catalogue.get(event.type))).toString('base64'),
    },
  }) as KinesisStreamRecord

/** Slots that remember all users they can, two writers of the same windows, and what no window can take in. */
async function windowFaults(table: Table): Promise<void> {
  const state = stateOf(table)
  const changes = table.streams.flat()
  const users = new Map(Array.from({ length: MAX_SLOT_USERS }, (_, n) => [n.toString(16).padStart(16, '0'), 1]))
  for (const start of startsOf(changes))
    for (let slot = 0; slot < countryMinutes.slots; slot++)
      await state.putSlot(
        { projection: projectionKey(countryMinutes), start, slot, version: 1, state: countryMinutes.initial(), users },
        undefined,
      )
  const life = { latenessMs: undefined, retentionMs: 0 }
  const merge = defineHandler(
    'windows',
    () => (batch: readonly DynamoDBRecord[], telemetry) =>
      mergeBatch(batch, { table: state, quarantine: quarantine, projections, lifetime: life, telemetry }),
  )
  await Promise.all([merge(changes), merge(changes)])
  const out = [{ projection: projectionKey(deviceMinutes), start: 0, ord: Number.MAX_SAFE_INTEGER, state: null }]
  await merge([{ dynamodb: { NewImage: { ...changes[0]?.dynamodb?.NewImage, out: { S: JSON.stringify(out) } } } }])
}

/** The minutes of countries that these changes add to. */
const startsOf = (changes: readonly DynamoDBRecord[]): Set<number> =>
  new Set(
    changes
      .flatMap(({ dynamodb }) => JSON.parse(dynamodb?.NewImage?.['out']?.S ?? '[]') as { projection: string; start: number }[])
      .flatMap(({ projection, start }) => (projection === projectionKey(countryMinutes) ? [start] : [])),
  )

/** A document that the cluster refuses, and one that it has no time for. */
async function searchFaults(name: FunctionName): Promise<void> {
  const items = [400, 429].map(status => ({ create: { status } }))
  const client = { bulk: async () => ({ body: { items } }) } as never
  const write = defineHandler(
    name,
    () => (operations: BulkOperation[], telemetry) => writeBulk(operations, { client, quarantine: quarantine, telemetry }),
  )
  const document = { received: '2026-01-01T00:00:00Z' }
  await write(['1', '2'].map(id => ({ action: 'create', index: 'any', id, document }))).catch(() => undefined)
}

async function ingestFault(): Promise<void> {
  const world = {
    keys: { find: unreachable },
    quarantine: quarantine,
    putRecords: unreachable,
    withinRateLimit: () => true,
    now: Date.now,
    newId: () => 'any',
  }
  const take = defineHandler('ingest', () => ingest(world))
  const headers = { authorization: 'Bearer any' }
  await take({ rawPath: '/v1/events', headers, isBase64Encoded: false, requestContext: { http: { method: 'POST' } } } as never)
}

/** The whole function, whose stores are a port where nobody listens. */
async function queryFault(): Promise<void> {
  const nowhere = {
    AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
    AWS_REGION: 'any',
    AWS_ACCESS_KEY_ID: 'any',
    AWS_SECRET_ACCESS_KEY: 'any',
  }
  Object.assign(process.env, nowhere)
  const { handler: answer } = await import('../../lambdas/query/query.lambda.ts')
  await answer({ routeKey: 'GET /v1/users/{id+}', headers: { authorization: 'Bearer any' } } as unknown as APIGatewayProxyEventV2)
}
