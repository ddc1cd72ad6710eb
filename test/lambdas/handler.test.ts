import type { Telemetry } from '../../lambdas/handler.ts'
import { environments } from '../../shared/environment.ts'
import { SafeError } from '../../shared/safe-error.ts'
import { listen, parseLine } from '../fixtures/log-lines.ts'

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

/** The log lines of one invocation, the first one parsed, and what it throws. */
async function call(work: (telemetry: Telemetry) => unknown, input: unknown = {}) {
  const handle = defineHandler('state', () => async (_input: unknown, telemetry) => work(telemetry))
  const { result, texts } = await listen(() => handle(input))
  const thrown = result.status === 'rejected' ? (result.reason as Error) : undefined
  return { lines: texts, thrown, facts: parseLine(texts[0] ?? '{}') }
}

test('an invocation writes one line, with its metrics, their namespace and the service', async () => {
  const { lines, facts } = await call(telemetry => {
    telemetry.count('EventsFolded', 3)
    telemetry.annotate('code', 'any')
  })
  expect(lines).toHaveLength(1)
  expect(facts).toMatchObject({
    service: 'state',
    EventsFolded: 3,
    code: 'any',
    _aws: {
      CloudWatchMetrics: [
        { Namespace: 'millrace-test', Dimensions: [['service']], Metrics: [{ Name: 'EventsFolded', Unit: 'Count' }] },
      ],
    },
  })
})

test('an invocation that counts often still writes one line, with the sums and all annotations', async () => {
  const { lines, facts } = await call(
    telemetry => {
      for (let write = 0; write < 300; write++) telemetry.count('EventsFolded', 2)
    },
    { requestContext: { requestId: 'r-1' } },
  )
  expect(lines).toHaveLength(1)
  expect(facts).toMatchObject({ EventsFolded: 600, apiRequestId: 'r-1' })
})

test('counts with a code are also summed by code, as numbers that a query can sum', async () => {
  const { facts } = await call(telemetry => {
    telemetry.count('EventsQuarantined', 2, 'invalid_event')
    telemetry.count('EventsQuarantined', 1, 'date_missing')
    telemetry.count('EventsQuarantined', 1, 'invalid_event')
  })
  expect(facts).toMatchObject({ EventsQuarantined: 4, codes: { invalid_event: 3, date_missing: 1 } })
})

test('a line without counts has no metrics', async () => {
  const { lines, facts } = await call(telemetry => telemetry.count('EventsFolded', 0))
  expect(lines).toHaveLength(1)
  expect(facts).toEqual({ service: 'state', milliseconds: expect.any(Number) })
})

test('the log line of an error has its message, if it is safe, and the name and frames of its cause', async () => {
  const { facts } = await call(() => Promise.reject(new SafeError('One of 3 failed.', { cause: new RangeError('any') })))
  expect(facts['error']).toMatch(/^One of 3 failed\. Cause: RangeError at .*handler\.test\.ts:\d+/)
})

const SECRET = 'anna@mail.example mr_write_secret'
const quoting = (): unknown => JSON.parse(`{"email": ${SECRET}}`)

test.each([
  ['JSON.parse, which quotes its input', quoting],
  ['a library', () => Promise.reject(Object.assign(new Error(`mapper: ${SECRET}\nat field`), { statusCode: 400 }))],
  ['a thrown string', () => Promise.reject(SECRET)],
  [
    'an error whose cause quotes its input',
    () => Promise.reject(new SafeError('One of 3 failed.', { cause: new Error(SECRET) })),
  ],
])('neither the log line nor the thrown error quotes what a client sent: %s', async (_, work) => {
  const { lines, thrown, facts } = await call(work)
  expect(facts['error']).toEqual(expect.any(String))
  for (const part of SECRET.split(/\W+/)) expect(`${lines}${thrown}${thrown?.stack}${facts['error']}`).not.toContain(part)
})

test('an error is logged with its name and where it was thrown', async () => {
  const { facts } = await call(quoting)
  expect(facts['error']).toMatch(/^SyntaxError at .*handler\.test\.ts:\d+:\d+/)
})

test('a key is neither logged nor thrown, even in what a message or annotation of the product quotes', async () => {
  const key = `mr_write_${'k3y'.repeat(14)}`
  const { lines, thrown, facts } = await call(telemetry => {
    telemetry.annotate('code', `bad ${key}`)
    return Promise.reject(new SafeError(`No ${key}.`))
  })
  expect([facts['code'], facts['error'], thrown?.message]).toEqual(['bad mr_redacted', 'No mr_redacted.', 'No mr_redacted.'])
  expect(`${lines}${thrown?.stack}`).not.toContain('k3y')
})

test('the message of a SafeError is logged and thrown unchanged', async () => {
  const { thrown, facts } = await call(() => Promise.reject(new SafeError('2 of 3 documents must be sent again.')))
  expect([thrown?.message, facts['error']]).toEqual(Array(2).fill('2 of 3 documents must be sent again.'))
})

const kinesisRecord = (sequenceNumber: string, secondsAgo: number) => ({
  eventID: `shardId-000000000001:${sequenceNumber}`,
  kinesis: { sequenceNumber, approximateArrivalTimestamp: Date.now() / 1000 - secondsAgo, data: '' },
})

test('the line of a batch has its shard, its sequence numbers and its age at the end', async () => {
  const { facts } = await call(() => undefined, { Records: [kinesisRecord('7', 30), kinesisRecord('9', 1)] })
  expect(facts).toMatchObject({ records: 2, shard: 'shardId-000000000001', from: '7', to: '9' })
  expect(Math.round(Number(facts['FreshnessSeconds']))).toBe(30)
})

test('a metric by shard has values for the function and for the shard of the batch; other metrics do not', async () => {
  const count = (telemetry: Telemetry) => {
    telemetry.count('EventsFolded', 3)
    telemetry.count('FoldsThrottled', 2)
  }
  const { facts } = await call(count, { Records: [kinesisRecord('7', 30)] })
  const names = facts._aws?.CloudWatchMetrics.map(({ Dimensions, Metrics }) => [Dimensions, Metrics.map(({ Name }) => Name)])
  expect(names).toEqual([
    [[['service']], ['EventsFolded', 'FreshnessSeconds']],
    [[['service'], ['service', 'shard']], ['FoldsThrottled']],
  ])
  expect(facts).toMatchObject({ service: 'state', shard: 'shardId-000000000001', EventsFolded: 3, FoldsThrottled: 2 })
  const withoutShard = await call(count)
  expect(withoutShard.facts._aws?.CloudWatchMetrics.map(({ Dimensions }) => Dimensions)).toEqual([[['service']]])
})

test('a failed batch reports the age of what it left unread, and no freshness', async () => {
  const batch = { Records: [kinesisRecord('7', 30), kinesisRecord('9', 12)] }
  const failed = await call(() => Promise.reject(new Error('any')), batch)
  const partly = await call(async () => ({ batchItemFailures: [{ itemIdentifier: '9' }] }), batch)
  expect([failed, partly].map(({ facts }) => Math.round(Number(facts['UnreadSeconds'])))).toEqual([30, 12])
  for (const { facts } of [failed, partly]) expect(facts).not.toHaveProperty('FreshnessSeconds')
})

const USER = 'anna@mail.example'
const stateChange = (seq: string, secondsAgo: number) => ({
  eventID: 'x',
  dynamodb: {
    SequenceNumber: `9${seq}`,
    ApproximateCreationDateTime: Date.now() / 1000,
    NewImage: {
      pk: { S: `user#${USER}` },
      sk: { S: 'state' },
      seq: { S: seq },
      version: { N: String(Math.trunc((Date.now() - secondsAgo * 1000) * 1000)) },
    },
  },
})

test('the line of changed states has the positions they are folded up to and the age of their events, but no user', async () => {
  const Records = [stateChange('100', 10), stateChange('99', 70), { eventID: 'x', dynamodb: { SequenceNumber: '7' } }]
  const { lines, facts } = await call(() => undefined, { Records })
  expect(facts).toMatchObject({ records: 3, from: '9100', to: '7', foldedFrom: '99', foldedTo: '100' })
  expect(Math.round(Number(facts['FreshnessSeconds']))).toBe(70)
  expect(lines[0]).not.toContain(USER)
})

test('the line of a change has its sequence number, that of a request the gateway’s id', async () => {
  const change = { eventID: 'x', dynamodb: { SequenceNumber: '12', ApproximateCreationDateTime: Date.now() / 1000 } }
  expect((await call(() => undefined, { Records: [change] })).facts).toMatchObject({ from: '12', to: '12' })
  const { facts } = await call(() => undefined, { requestContext: { requestId: 'r-1' }, body: SECRET })
  expect(facts).toMatchObject({ apiRequestId: 'r-1' })
})
