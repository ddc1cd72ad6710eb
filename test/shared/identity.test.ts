import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { KinesisStreamRecord } from 'aws-lambda'
import { recompute } from '../../cli/demo/independent/recompute.ts'
import { streamCollector } from '../../cli/status/stream-facts.ts'
import type { StreamRecord } from '../../lambdas/ingest/plan-records.ts'
import { planEvents } from '../../lambdas/search/plan-events.ts'
import { stateTable } from '../../lambdas/state/dynamodb.ts'
import { readItem } from '../../lambdas/state/dynamodb-items.ts'
import { pagesTable } from '../../lambdas/state/dynamodb-pages.ts'
import { foldBatch } from '../../lambdas/state/fold-batch.ts'
import { FoldTurns } from '../../lambdas/state/fold-turns.ts'
import { eventTypes, projections } from '../../shared/catalogue.ts'
import type { Event } from '../../shared/event.ts'
import { fromLines } from '../../shared/stream-record.ts'
import { ingestInMemory, RECEIVED, withKey } from '../fakes/ingest.ts'
import { memory } from '../fixtures/memory.ts'
import { reportActions } from '../fixtures/reports/actions.ts'
import { archiveEvents } from '../fixtures/reports/folder-archive.ts'
import { reportRows } from '../fixtures/reports/report-rows.ts'
import { Table } from '../simulation/table.ts'

const catalogue = new Map(eventTypes.map(type => [type.name, type]))
const raw = { eventTypes: catalogue, isOn: () => true, retentionDays: 3 }
const ARCHIVED = 'events/dt=2023-11-14/hour=22/a.parquet'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-identity-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** Two devices that each number their readings from 1 to 250. */
const countedByDevice: readonly string[] = [10, 50].flatMap((duration, device) =>
  Array.from({ length: 250 }, (_, at) =>
    JSON.stringify({
      device_id: `meter-${'ab'[device]}`,
      device_type: 'meter',
      timestamp: 1_763_946_001 + at,
      temperature: 20,
      event_duration: Number(`${duration}.${String(at + 1).padStart(3, '0')}`),
      status: 'ok',
      event_id: String(at + 1),
    }),
  ),
)

const countedByUser: readonly string[] = [
  '{"user_id":1,"app_name":"a","event_action":"x","event_category":"c","event_id":"1"}',
  '{"user_id":2,"app_name":"a","event_action":"y","event_category":"c","event_id":"1"}',
]

/** Sends the rows twice through ingest. Returns the records of the stream and their events. */
async function deliver(type: string, rows: readonly string[]) {
  const records: StreamRecord[] = []
  const { request } = ingestInMemory({
    putRecords: async put => {
      records.push(...put)
      return { positions: [], refused: [] }
    },
  })
  for (const _ of ['first', 'again'])
    expect(await request(`/v1/events/${type}`, { headers: withKey, body: rows.join('\n') })).toMatchObject({
      body: { accepted: rows.length, quarantined: [] },
    })
  const events: Event[] = records.flatMap(({ data }) => fromLines(data, catalogue).events)
  return { records, events }
}

const kinesisRecord = ({ data }: StreamRecord, at: number): KinesisStreamRecord =>
  ({
    eventID: `shard-0:${at + 1}`,
    kinesis: {
      sequenceNumber: String(at + 1),
      data: Buffer.from(data).toString('base64'),
      approximateArrivalTimestamp: RECEIVED / 1000,
    },
  }) as KinesisStreamRecord

/** The states and window deltas of the users after the records. */
async function folded(records: readonly StreamRecord[]) {
  const table = new Table()
  const rules = { projections, memory, latenessMs: undefined, retentionMs: 0 }
  const counts = new Map<string, number>()
  const { batchItemFailures } = await foldBatch(records.map(kinesisRecord), {
    ...{
      table: stateTable('t', table.operations()),
      pages: pagesTable('pages', new Table().operations()),
      eventTypes: catalogue,
      rules,
      retryBudgetMs: 300_000,
      turns: new FoldTurns('p'),
      now: () => RECEIVED,
    },
    quarantine: { add: async () => {} },
    telemetry: { count: (metric, value) => void counts.set(metric, (counts.get(metric) ?? 0) + value), annotate: () => {} },
  })
  expect(batchItemFailures).toEqual([])
  const items = [...table.items].filter(([key]) => key.startsWith('user#')).map(([, item]) => readItem(item))
  return { counts: Object.fromEntries(counts), items }
}

/** How many documents the records have. */
function indexed(records: readonly StreamRecord[]): number {
  const { operations, failures } = planEvents(
    records.map(({ data }, n) => ({ sequenceNumber: String(n), text: data, arrived: RECEIVED })),
    raw,
  )
  expect(failures).toEqual([])
  return new Set(operations.map(({ id }) => id)).size
}

/** The distinct events that `status` counts in the stream and in the archive. */
async function counted(records: readonly StreamRecord[], events: readonly Event[]) {
  const collector = streamCollector(raw)
  for (const [at, { data }] of records.entries())
    collector.add('shard-0', { SequenceNumber: String(at + 1), Data: Buffer.from(data), PartitionKey: 'p' })
  await archiveEvents(folder, ARCHIVED, events)
  return collector.facts.deliveries.size
}

test('two devices that number their readings alike are both in every store', async () => {
  const { records, events } = await deliver('reading', countedByDevice)
  expect(events).toHaveLength(1000)
  expect((await folded(records)).counts).toMatchObject({ EventsFolded: 500, EventsRepeated: 500 })
  expect(indexed(records)).toBe(500)
  expect(await counted(records, events)).toBe(500)
  const { type, device } = await reportRows(folder, 'every day')
  expect(type).toMatchObject([{ device_type: 'meter', num_events: 500 }])
  expect(device).toMatchObject([
    { device_id: 'meter-a', num_events: 250, kept: 250 },
    { device_id: 'meter-b', num_events: 250, kept: 250 },
  ])
  const expected = recompute([{ type: 'reading', lines: countedByDevice }], 0)
  expect(expected.identities.size).toBe(500)
  expect(expected.p95ByDevice.map(({ group, num_events }) => [group, num_events])).toEqual([
    ['meter-a', 250],
    ['meter-b', 250],
  ])
})

test('events of two users with one id are both in every store', async () => {
  const { records, events } = await deliver('app_action', countedByUser)
  expect((await folded(records)).items).toMatchObject([
    { user: '1', states: { 'user-activity-r1': { events: 1 } } },
    { user: '2', states: { 'user-activity-r1': { events: 1 } } },
  ])
  expect(indexed(records)).toBe(2)
  expect(await counted(records, events)).toBe(2)
  expect((await reportActions(folder, '2023-11-15T00:00:00Z')).rows).toMatchObject([
    { user_id: 1, event_action: 'x', u_mp_ea: 'x', event_id: '1' },
    { user_id: 2, event_action: 'y', u_mp_ea: 'y', event_id: '1' },
  ])
})
