import { ProvisionedThroughputExceededException, ThrottlingException } from '@aws-sdk/client-dynamodb'
import type { KinesisStreamEvent, KinesisStreamRecord } from 'aws-lambda'
import { stateTable } from '../../lambdas/state/dynamodb.ts'
import { pagesTable } from '../../lambdas/state/dynamodb-pages.ts'
import { foldBatch } from '../../lambdas/state/fold-batch.ts'
import { FoldTurns } from '../../lambdas/state/fold-turns.ts'
import { eventTypes, projections } from '../../shared/catalogue.ts'
import { environments } from '../../shared/environment.ts'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import { toLine } from '../../shared/stream-record.ts'
import { aReading } from '../fixtures/builders.ts'
import { listen, parseLine } from '../fixtures/log-lines.ts'
import { memory } from '../fixtures/memory.ts'
import { type CallOperation, Table } from '../simulation/table.ts'

const START = 1_700_000_000_000
const USER = 'anna@mail.example'
const catalogue = new Map(eventTypes.map(type => [type.name, type]))

const before = { ...process.env }
let defineHandler: typeof import('../../lambdas/handler.ts').defineHandler
beforeAll(async () => {
  for (const name of environments.state) process.env[name] = 'any'
  process.env['POWERTOOLS_METRICS_NAMESPACE'] = 'millrace-test'
  ;({ defineHandler } = await import('../../lambdas/handler.ts'))
})
afterAll(() => {
  process.env = before
})

/** The state function on a table in memory, whose calls go through `call`. */
function aStage(call?: CallOperation) {
  const table = new Table()
  const quarantined: QuarantinedEvent[] = []
  const dependencies = {
    table: stateTable('t', table.operations(call)),
    pages: pagesTable('pages', new Table().operations()),
    quarantine: { add: async (events: readonly QuarantinedEvent[]) => void quarantined.push(...events) },
    eventTypes: catalogue,
    rules: { projections, memory, latenessMs: undefined, retentionMs: 0 },
    retryBudgetMs: 300_000,
    turns: new FoldTurns('p'),
    now: () => START,
  }
  const fold = async (...users: readonly string[]) => {
    const handle = defineHandler(
      'state',
      () =>
        ({ Records }: KinesisStreamEvent, telemetry) =>
          foldBatch(Records, { ...dependencies, telemetry }),
    )
    const { result, texts } = await listen(() => handle({ Records: users.map(recordOf) }))
    const failures = result.status === 'fulfilled' ? result.value.batchItemFailures.map(each => each.itemIdentifier) : 'thrown'
    return { failures, texts, line: parseLine(texts[0] ?? '{}') }
  }
  return { table, quarantined, fold }
}

const recordOf = (user: string, at: number): KinesisStreamRecord => {
  const event = aReading({ device_id: user }, { id: `v${user}`, received: START })
  return {
    eventID: `shardId-000000000003:${at + 1}`,
    kinesis: {
      sequenceNumber: String(at + 1),
      data: Buffer.from(toLine(event, catalogue.get(event.type))).toString('base64'),
      approximateArrivalTimestamp: START / 1000,
    },
  } as KinesisStreamRecord
}

const hotItem = () =>
  new ProvisionedThroughputExceededException({
    message: USER,
    ThrottlingReasons: [{ reason: 'TableWriteKeyRangeThroughputExceeded', resource: 'arn:aws:dynamodb:any' }],
    $metadata: {},
  })

/** Throws instead of the first calls of an operation that are about the user. */
const failing =
  (operation: string, times: number, error: () => Error): CallOperation =>
  async (called, item, run) => {
    if (called !== operation || (item && item['pk']?.S !== `user#${USER}`) || times-- <= 0) return run('done')
    throw error()
  }

const FOLDS_BY_SHARD = {
  Namespace: 'millrace-test',
  Dimensions: [['service'], ['service', 'shard']],
  Metrics: [{ Name: 'FoldsThrottled', Unit: 'Count' }],
}

test('a throttled put: the metric and the log line name the shard, the event is delivered again, and not quarantined', async () => {
  const { table, quarantined, fold } = aStage(failing('PutItem', 3, hotItem))
  const first = await fold('1', USER, '3')
  expect(first.failures).toEqual(['2'])
  expect(first.texts).toHaveLength(1)
  expect(first.line).toMatchObject({
    shard: 'shardId-000000000003',
    FoldsThrottled: 3,
    warning:
      'DynamoDB throttles users of this shard (TableWriteKeyRangeThroughputExceeded). Their records wait and are delivered again.',
  })
  expect(first.line._aws?.CloudWatchMetrics).toContainEqual(FOLDS_BY_SHARD)
  expect(first.texts[0]).not.toContain(USER)
  const again = await fold('1', USER, '3')
  expect([again.failures, quarantined]).toEqual([[], []])
  expect(table.items.has(`user#${USER}|state`)).toBe(true)
  expect(again.line).toMatchObject({ EventsFolded: 1 })
  expect(again.line).not.toHaveProperty('warning')
  expect(JSON.stringify(again.line._aws)).not.toContain('shard')
})

test('a fold that succeeds after a throttled attempt is counted, and its records are done', async () => {
  const { fold } = aStage(failing('PutItem', 1, hotItem))
  const { failures, line } = await fold(USER)
  expect([failures, line['FoldsThrottled'], line['EventsFolded']]).toEqual([[], 1, 1])
})

test('a user whose item could not be read is counted', async () => {
  const { table, fold } = aStage()
  table.throttle(`user#${USER}|state`, 1)
  const { failures, line } = await fold('1', USER)
  expect([failures, line['FoldsThrottled'], line['shard']]).toEqual([['2'], 1, 'shardId-000000000003'])
})

test('a throttled read of all users fails the batch, and is counted for each user', async () => {
  const error = () => new ThrottlingException({ message: USER, throttlingReasons: [{ reason: `odd ${USER}` }], $metadata: {} })
  const { quarantined, fold } = aStage(failing('BatchGetItem', 1, error))
  const { failures, line, texts } = await fold('1', USER)
  expect([failures, quarantined, line['FoldsThrottled']]).toEqual(['thrown', [], 2])
  expect(line['warning']).toBe('DynamoDB throttles users of this shard. Their records wait and are delivered again.')
  expect(texts[0]).not.toContain(USER)
})

test('another error of the store is not counted as a throttle', async () => {
  const { fold } = aStage(failing('PutItem', 1, () => new Error('socket hang up')))
  const { failures, line } = await fold(USER)
  expect(failures).toEqual([])
  expect(line).not.toHaveProperty('FoldsThrottled')
})
