import type { KinesisStreamRecord } from 'aws-lambda'
import { judgeBatch } from '../../lambdas/quarantine/judge-batch.ts'
import { fromDiscarded } from '../../lambdas/quarantine/plan-failures.ts'
import { stateTable } from '../../lambdas/state/dynamodb.ts'
import { pagesTable } from '../../lambdas/state/dynamodb-pages.ts'
import { type FoldDependencies, foldBatch } from '../../lambdas/state/fold-batch.ts'
import { FoldTurns } from '../../lambdas/state/fold-turns.ts'
import { projections } from '../../shared/catalogue.ts'
import type { Event } from '../../shared/event.ts'
import { toLine } from '../../shared/stream-record.ts'
import { aVisit } from '../fixtures/builders.ts'
import { memory } from '../fixtures/memory.ts'
import { Table } from '../simulation/table.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const TABLE_STREAM_HOURS = 24

/** The stream's retention before and after a change, and how long identities are remembered. */
interface Dials {
  readonly retentionHours: number
  readonly laterRetentionHours: number
  readonly memoryDays: number
}

/** A stage with these dials and a clock. DynamoDB deletes an expired page at once. */
function aStage({ retentionHours, memoryDays }: Dials) {
  const clock = { now: 1_700_000_000_000, retentionHours }
  const table = stateTable('t', new Table().operations())
  const stored = new Table()
  const rules = { projections, memory: { ...memory, statedSeconds: memoryDays * 86_400 }, latenessMs: undefined }
  let records = 0
  /** As in an environment that has cached no page. */
  const stores = () => {
    for (const [key, { ttl }] of stored.items) if (Number(ttl?.N) * 1000 < clock.now) stored.remove(key, true)
    const retentionMs = (clock.retentionHours + TABLE_STREAM_HOURS) * HOUR
    return { table, pages: pagesTable('pages', stored.operations()), retentionMs, now: () => clock.now }
  }
  const fold = (record: KinesisStreamRecord) => {
    const { retentionMs, ...rest } = stores()
    const dependencies: FoldDependencies = {
      ...{ ...rest, rules: { ...rules, retentionMs }, eventTypes: new Map(), retryBudgetMs: 300_000 },
      turns: new FoldTurns('p'),
      quarantine: { add: () => Promise.reject(new Error('No event is rejected.')) },
      telemetry: { count: () => {}, annotate: () => {} },
    }
    return foldBatch([record], dependencies)
  }
  const judge = (record: KinesisStreamRecord) =>
    judgeBatch(unfinished(record), {
      ...stores(),
      quarantine: { add: async () => {} },
      rules: { ...rules, eventTypes: new Map() },
    })
  const arriving = (ids: readonly string[]) => newRecord(++records, ids, clock.now)
  return { clock, fold, judge, arriving }
}

const newRecord = (sequenceNumber: number, ids: readonly string[], now: number): KinesisStreamRecord => {
  const events = ids.map((id): Event => aVisit('/a', 1, { id, received: now, subject: '7', stated: Math.floor(now / 1000) }))
  return {
    eventID: `shard-0:${sequenceNumber}`,
    kinesis: {
      sequenceNumber: String(sequenceNumber),
      partitionKey: '7',
      data: Buffer.from(events.map(event => toLine(event, undefined)).join('\n')).toString('base64'),
      approximateArrivalTimestamp: now / 1000,
    },
  } as KinesisStreamRecord
}

const unfinished = (record: KinesisStreamRecord) => {
  const text = JSON.stringify({
    requestContext: { functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:state' },
    timestamp: new Date(0).toISOString(),
    KinesisBatchInfo: {},
    payload: { Records: [record] },
  })
  return fromDiscarded(text, { eventTypes: new Map(), rawEventsFunction: 'r', documentsFunction: 'd', isOn: () => true })
    .unfinished
}

const SUCCESS = { batchItemFailures: [] }

/** A user whose pages are due to be merged is silent, and then sends an event that waits in the stream. */
async function silentUser(dials: Dials, silentDays: number, waitDays: number) {
  const { clock, arriving, fold, judge } = aStage(dials)
  for (let batch = 0; batch < 8; batch++) {
    clock.now += 20 * MINUTE
    expect(await fold(arriving(Array.from({ length: 33 }, (_, i) => `${batch}-${i}`)))).toEqual(SUCCESS)
  }
  clock.retentionHours = dials.laterRetentionHours
  clock.now += silentDays * DAY
  const late = arriving(['late'])
  clock.now += waitDays * DAY
  const { events } = await judge(late)
  return { judged: events.map(({ id }) => id), folded: await fold(late), again: (await judge(late)).events }
}

const done = { judged: ['late'], folded: SUCCESS, again: [] }

test('a user who was silent until due pages expired is folded', async () => {
  expect(await silentUser({ retentionHours: 24, laterRetentionHours: 24, memoryDays: 7 }, 12, 0)).toEqual(done)
})

test('a longer retention of the stream expects no pages that expired under the shorter one', async () => {
  expect(await silentUser({ retentionHours: 24, laterRetentionHours: 14 * 24, memoryDays: 7 }, 12, 0)).toEqual(done)
})

test('due pages may expire while a record waits in the stream', async () => {
  expect(await silentUser({ retentionHours: 168, laterRetentionHours: 168, memoryDays: 1 }, 8.5, 2)).toEqual(done)
})

test('pages of the last minutes may expire while a record waits in a stream whose retention was made longer', async () => {
  expect(await silentUser({ retentionHours: 24, laterRetentionHours: 14 * 24, memoryDays: 1 }, 0, 5)).toEqual(done)
})
