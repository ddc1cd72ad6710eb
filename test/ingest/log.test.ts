import type { IngestDependencies } from '../../lambdas/ingest/accept-events.ts'
import { ingest } from '../../lambdas/ingest/ingest.ts'
import type { StreamPosition, StreamRecord } from '../../lambdas/ingest/plan-records.ts'
import { environments } from '../../shared/environment.ts'
import { resource, templateOf } from '../fixtures/infra-templates.ts'
import { aKey, noQuotas } from '../fixtures/keys.ts'
import { listen, parseLine } from '../fixtures/log-lines.ts'

const before = { ...process.env }
let defineHandler: typeof import('../../lambdas/handler.ts').defineHandler
beforeAll(async () => {
  for (const name of environments.ingest) process.env[name] = 'any'
  process.env['POWERTOOLS_METRICS_NAMESPACE'] = 'millrace-prod'
  ;({ defineHandler } = await import('../../lambdas/handler.ts'))
})
afterAll(() => {
  process.env = before
})

const KEY = 'mr_write_secret'
const SEQUENCE_DIGITS = 56
const longest = (number: number): string => `49${String(number).padStart(SEQUENCE_DIGITS - 2, '0')}`

/** The log line of one request with these events. Their records go to this many shards in turn. */
async function lineOf(events: readonly object[], shards = 1) {
  const position = (_: StreamRecord, i: number): StreamPosition => ({
    shard: `shardId-${String(i % shards).padStart(12, '0')}`,
    sequence: longest(i),
  })
  const dependencies: IngestDependencies = {
    keys: { find: async () => aKey() },
    quarantine: { add: async () => undefined },
    putRecords: async records => ({ positions: records.map(position), refused: [] }),
    withinRateLimit: () => true,
    quotas: noQuotas,
    signedTraits: false,
    now: () => 1_700_000_000_000,
    newId: () => 'made',
  }
  const handle = defineHandler('ingest', () => ingest(dependencies))
  const request = {
    rawPath: '/v1/events',
    headers: { authorization: `Bearer ${KEY}` },
    body: JSON.stringify(events),
    isBase64Encoded: false,
    requestContext: { requestId: 'JKJaXmPLvHcESHA=', http: { method: 'POST' } },
  }
  const { texts } = await listen(() => handle(request, { awsRequestId: '00000000-0000-4000-8000-000000000000' }))
  expect(texts).toHaveLength(1)
  return { text: texts[0] ?? '', facts: parseLine(texts[0] ?? '') }
}

const signUps = (count: number) =>
  Array.from({ length: count }, (_, n) => ({
    type: 'signup',
    id: `id-${n}`,
    subject: `anna-${n}@mail.example`,
    data: { plan: 'secret plan' },
  }))
const invalid = [
  { type: 'page_visit', id: 'bad-1', data: { Id: 'anna' } },
  { type: 'page_visit', id: 'bad-2', data: {} },
  { type: 'user_record', id: 'bad-3', data: { id: 1, date: 'never', country: 'Chad' } },
]

test('the line has the request’s id, the positions of its records, and the number of quarantined events by code', async () => {
  const { facts } = await lineOf([...signUps(3), ...invalid], 2)
  expect(facts).toMatchObject({
    apiRequestId: 'JKJaXmPLvHcESHA=',
    key: 'web',
    keyId: 'k_web',
    EventsAccepted: 3,
    EventsQuarantined: 3,
    codes: { invalid_event: 2, date_invalid: 1 },
    records: 3,
    stored: [
      { shard: 'shardId-000000000000', from: longest(0), to: longest(2) },
      { shard: 'shardId-000000000001', from: longest(1) },
    ],
  })
  expect(facts).not.toHaveProperty('otherShards')
})

test('the line names three shards and counts the others', async () => {
  const { facts } = await lineOf(signUps(40), 16)
  expect(facts['stored']).toHaveLength(3)
  expect(facts).toMatchObject({ records: 40, otherShards: 13 })
})

test('the line contains no payload and no key', async () => {
  const { text } = await lineOf([...signUps(2), ...invalid])
  for (const secret of [KEY, 'anna', 'mail.example', 'secret plan', 'id-1', 'bad-', 'never', 'Chad'])
    expect(text).not.toContain(secret)
})

const LOG_DOLLARS_PER_BYTE = 0.5 / 1e9
const REQUEST_DOLLARS = 1 / 1e6

test('the log lines of a request cost less than the request', async () => {
  const { text } = await lineOf([...signUps(2_400), ...invalid], 100)
  const accessLog = resource(templateOf('prod'), 'AWS::ApiGatewayV2::Stage').Properties.AccessLogSettings.Format as string
  const values = accessLog.replaceAll(/\$context\.[\w.]+/g, 'POST /v1/events/{type}'.padEnd(36))
  expect((text.length + values.length) * LOG_DOLLARS_PER_BYTE).toBeLessThan(REQUEST_DOLLARS)
})
