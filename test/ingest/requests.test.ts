import { gzipSync } from 'node:zlib'
import { jest } from '@jest/globals'
import type { IngestDependencies } from '../../lambdas/ingest/accept-events.ts'
import { planReplay } from '../../lambdas/ingest/plan-replay.ts'
import { rateLimit } from '../../lambdas/ingest/rate-limit.ts'
import type { Dialect } from '../../shared/dialect.ts'
import { native } from '../../shared/dialects/native.ts'
import type { Key } from '../../shared/keys.ts'
import { SafeError } from '../../shared/safe-error.ts'
import { ingestInMemory, RECEIVED, withKey } from '../fakes/ingest.ts'
import { aKey } from '../fixtures/keys.ts'

const event = '{"type":"signup","id":"1"}'
const basic = (key: string) => `Basic ${Buffer.from(`${key}:`).toString('base64')}`

describe('the key', () => {
  test.each<[string, { headers?: Record<string, string>; query?: Record<string, string>; body?: string }]>([
    ['as Basic user', { headers: { authorization: basic('good') } }],
    ['as Bearer', { headers: { authorization: 'Bearer good' } }],
    ['as X-Write-Key', { headers: { 'x-write-key': 'good' } }],
    ['in the query', { query: { writeKey: 'good' } }],
    ['in the body', { body: '{"type":"signup","id":"1","writeKey":"good"}' }],
    ['twice in one header', { headers: { authorization: `${basic('good')}, Bearer good`, 'x-write-key': 'good,good' } }],
    ['twice in the query', { query: { writeKey: 'good,good' } }],
    ['in several places', { headers: { authorization: basic('good'), 'x-write-key': 'good' }, query: { writeKey: 'good' } }],
  ])('is found %s', async (_, posted) => {
    const { request, events } = ingestInMemory()
    expect(await request('/v1/events', { body: event, ...posted })).toMatchObject({ status: 200 })
    expect(events).toMatchObject([{ id: '1', source: 'web', data: null }])
  })

  test('is found on a batch, or else on its events', async () => {
    const { request } = ingestInMemory()
    const call = { type: 'page', userId: 'u' }
    const batches = [{ batch: [call], writeKey: 'good' }, { batch: [{ ...call, writeKey: 'good' }] }]
    for (const batch of batches)
      expect(await request('/v1/batch', { body: JSON.stringify(batch) })).toMatchObject({ status: 200, body: { accepted: 1 } })
  })

  test.each<[string, number, string, { headers?: Record<string, string>; query?: Record<string, string>; body?: string }]>([
    ['is missing', 401, 'key_missing', {}],
    ['does not exist', 401, 'key_unknown', { headers: { 'x-write-key': 'made up' } }],
    ['may only read', 403, 'key_scope', { headers: { 'x-write-key': 'reads' } }],
    ['is another in the query', 401, 'key_conflict', { headers: withKey, query: { writeKey: 'other' } }],
    ['is another in the same header', 401, 'key_conflict', { headers: { 'x-write-key': 'good,other' } }],
    ['is another in the body', 401, 'key_conflict', { headers: withKey, body: '{"type":"a","writeKey":"other"}' }],
    ['is another on an event', 401, 'key_conflict', { body: '[{"type":"a","writeKey":"good"},{"type":"a","writeKey":"other"}]' }],
  ])('causes a rejection when it %s', async (_, status, code, posted) => {
    const { request, events, quarantined } = ingestInMemory()
    const response = await request('/v1/events', { body: event, ...posted })
    expect(response).toMatchObject({ status, body: { success: false, code, message: expect.stringMatching(/\.$/) } })
    expect([events, quarantined]).toEqual([[], []])
  })

  test('is not searched in raw rows, whose field names are the sender’s choice', async () => {
    const { request, events } = ingestInMemory()
    const body = '{"eventType":"pageview","eventValue":"homepage","writeKey":"mine"}'
    expect((await request('/v1/events/interaction', { headers: withKey, body })).status).toBe(200)
    expect(events[0]?.data).toMatchObject({ eventId: 'h', writeKey: 'mine' })
  })
})

test.each([
  ['the table of keys is down', { keys: { find: () => Promise.reject(new Error('down')) } }],
  ['the stream is down', { putRecords: () => Promise.reject(new Error('down')) }],
  ['the quarantine is down', { quarantine: { add: () => Promise.reject(new Error('down')) } }],
])('while %s, the response is 503 with Retry-After', async (_, broken) => {
  const { request } = ingestInMemory(broken)
  const response = await request('/v1/events', { headers: withKey, body: `[${event},5]` })
  expect(response).toMatchObject({ status: 503, headers: { 'retry-after': '1' }, body: { success: false, code: 'unavailable' } })
})

describe('while a store does not respond', () => {
  beforeEach(() => void jest.useFakeTimers())
  afterEach(() => void jest.useRealTimers())

  const never = () => new Promise<never>(() => undefined)
  test.each<[string, Partial<IngestDependencies>]>([
    ['the table of keys', { keys: { find: never } }],
    ['the stream', { putRecords: never }],
    ['the quarantine', { quarantine: { add: never } }],
  ])('%s, the response is 503 with Retry-After before the time of the function is over', async (_, hanging) => {
    const { request, counts, annotations } = ingestInMemory(hanging)
    const response = request('/v1/events', { headers: withKey, body: `[${event},5]` })
    await jest.advanceTimersByTimeAsync(24_000)
    const late = { status: 'none' }
    expect(await Promise.race([response, late])).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
      body: { success: false, code: 'unavailable' },
    })
    expect(counts).toEqual({ RequestsUnavailable: 1 })
    expect(annotations['error']).toContain('No response of a store')
  })

  test('a store that responds after that changes nothing: the sender has sent the request again', async () => {
    const late = () => new Promise<Key>(resolve => setTimeout(() => resolve(aKey()), 60_000))
    const { request, events, quarantined } = ingestInMemory({ keys: { find: late }, now: Date.now })
    const response = request('/v1/events', { headers: withKey, body: `[${event},5]` })
    await jest.advanceTimersByTimeAsync(120_000)
    expect((await response).status).toBe(503)
    expect([events, quarantined]).toEqual([[], []])
  })
})

test.each(['ValidationException', 'InvalidArgumentException', 'SerializationException'])(
  'a request that a store refuses with %s for what it contains is a bug, never a reason to try again',
  async name => {
    const refusal = Object.assign(new Error('Member must have length less than 1048576'), { name })
    for (const broken of [
      { putRecords: () => Promise.reject(refusal) },
      { quarantine: { add: () => Promise.reject(refusal) } },
    ]) {
      const { request, counts } = ingestInMemory(broken)
      const response = await request('/v1/events', { headers: withKey, body: event })
      expect(response).toMatchObject({ status: 500, body: { code: 'internal_error' } })
      expect(response.body.message).toContain('when the bug is fixed')
      expect(counts).toEqual({ RequestsFailed: 1 })
    }
  },
)

/** A stream that never accepts the records of one user. */
const refusingRecordsOf = (user: string): Pick<IngestDependencies, 'putRecords'> => ({
  putRecords: async records => ({
    positions: [],
    refused: records.flatMap(record => (record.partitionKey === user ? [{ record, reason: 'ValidationException' }] : [])),
  }),
})

test('events of a record that Kinesis never accepts are quarantined, the others are accepted, and the response is no 503', async () => {
  const { request, quarantined, counts } = ingestInMemory(refusingRecordsOf('anna'))
  const elements = ['anna', 'bob', 5, 'anna', 'carl'].map((subject, n) =>
    subject === 5 ? 5 : { type: 'signup', id: `e${n}`, subject },
  )
  const { status, body } = await request('/v1/events', { headers: withKey, body: JSON.stringify(elements) })
  expect([status, body.accepted]).toEqual([200, 2])
  expect(body.quarantined).toMatchObject([
    { index: 0, id: 'e0', code: 'record_refused', message: expect.stringContaining('Reason: ValidationException.') },
    { index: 2, id: null, code: 'invalid_event' },
    { index: 3, id: 'e3', code: 'record_refused' },
  ])
  expect(quarantined.map(({ code, id, form, position }) => [code, id, form, position])).toEqual([
    ['invalid_event', null, 'text', 2],
    ['record_refused', 'e0', 'line', 0],
    ['record_refused', 'e3', 'line', 3],
  ])
  expect(counts).toEqual({ EventsAccepted: 2, EventsQuarantined: 3 })
})

test('accepted events with a time more than 24 hours after their arrival are counted, whichever of their fields has it', async () => {
  const DAY = 86_400
  const now = RECEIVED / 1000
  const inSeconds = (seconds: number) => new Date((now + seconds) * 1000).toISOString()
  const { request, events, counts } = ingestInMemory()
  const elements = [
    { type: 'signup', time: inSeconds(DAY) },
    { type: 'signup', time: inSeconds(DAY + 1) },
    { type: 'reading', time: inSeconds(0), data: { device_id: 'd', timestamp: now + DAY + 1 } },
    { type: 'page_visit', data: { Id: 1, Url: '/', Timestamp: 253_402_300_799 } },
    { type: 'page_visit', data: { Id: 1, Url: '/', Timestamp: now } },
    { type: 'page_visit', data: { Id: 1, Timestamp: 253_402_300_799 } },
  ]
  await request('/v1/events', { headers: withKey, body: JSON.stringify(elements) })
  expect(events).toHaveLength(5)
  expect(counts).toEqual({ EventsAccepted: 5, EventsFromFuture: 3, EventsQuarantined: 1 })
})

test('a refused interaction has no receipt', async () => {
  const { request } = ingestInMemory(refusingRecordsOf('i1'))
  const row = (id: string) => ({ eventType: 'pageview', eventValue: 'about', event_id: id })
  const { body } = await request('/v1/events/interaction', { headers: withKey, body: JSON.stringify([row('i1'), row('i2')]) })
  expect(body).toMatchObject({ accepted: 1, events: [null, ['pageview', 'about', 'a']] })
})

test('a refused event is replayed with the line that it had', async () => {
  const { request, quarantined } = ingestInMemory(refusingRecordsOf('anna'))
  await request('/v1/events', { headers: withKey, body: '{"type":"signup","id":"e","subject":"anna","data":{"n":1}}' })
  const [stored] = quarantined.map(item =>
    planReplay({ ...item, key: 'k', count: 1 }, { eventTypes: new Map(), keys: [], signedTraits: false }),
  )
  expect(stored).toMatchObject({ kind: 'put', partitionKey: 'anna', lines: [quarantined[0]?.body] })
})

test('the log line of a 503 says why the store failed', async () => {
  const failure = new SafeError('Kinesis did not store 1 of 2 records before the deadline.')
  const { request, counts, annotations } = ingestInMemory({ putRecords: () => Promise.reject(failure) })
  await request('/v1/events', { headers: withKey, body: event })
  expect([counts, annotations]).toMatchObject([
    { RequestsUnavailable: 1 },
    { code: 'unavailable', error: failure.message, key: 'web' },
  ])
})

const bug = (): never => {
  throw new TypeError(`Cannot read properties of ${event}`)
}

test.each([
  ['the rate limit', { withinRateLimit: bug }],
  ['the clock', { now: bug }],
  ['the ids', { newId: bug }],
])('a bug in %s is a 500, with its reason in the log and a metric', async (_, broken) => {
  const { request, events, counts, annotations } = ingestInMemory(broken)
  const response = await request('/v1/events', { headers: withKey, body: '{"type":"signup"}' })
  expect(response).toMatchObject({ status: 500, body: { success: false, code: 'internal_error' } })
  expect(response.headers).toMatchObject({ 'access-control-allow-origin': '*' })
  expect([events, counts, annotations]).toEqual([
    [],
    { RequestsFailed: 1 },
    expect.objectContaining({
      code: 'internal_error',
      error: expect.stringMatching(/^TypeError at [^"]*requests\.test\.ts:\d+/),
    }),
  ])
  expect(JSON.stringify(annotations)).not.toContain('signup')
})

test('a bug in a dialect is a 500, although every store is up', async () => {
  const broken: Dialect = { ...native, decode: bug }
  const { request, counts } = ingestInMemory({}, [broken])
  expect(await request('/v1/events', { headers: withKey, body: event })).toMatchObject({ status: 500 })
  expect(counts).toEqual({ RequestsFailed: 1 })
})

test('the response has the ids of interactions, in the order of the request', async () => {
  const { request } = ingestInMemory()
  const body = '{"eventType":"engagement","eventValue":"click"}\n5\n{"eventType":"x"}'
  const response = await request('/v1/events/interaction', { headers: withKey, body })
  expect(response.body).toMatchObject({ accepted: 2, events: [['engagement', 'click', 'c'], null, ['x', null, null]] })
})

test.each([
  ['[]', 0, []],
  ['[1,"x"]', 0, [null, null]],
])(
  'the response to %s as interactions has a member for each element, although none is an object',
  async (body, accepted, events) => {
    const { request } = ingestInMemory()
    expect((await request('/v1/events/interaction', { headers: withKey, body })).body).toMatchObject({ accepted, events })
    expect((await request('/v1/events/page_visit', { headers: withKey, body })).body).not.toHaveProperty('events')
  },
)

test.each([
  ['POST', '/v2/events', 404, 'not_found'],
  ['PUT', '/v1/events', 404, 'not_found'],
  ['GET', '/v1/track', 404, 'not_found'],
  ['POST', '/v1/events/page_visit/more', 404, 'not_found'],
  ['POST', '/v1/events/__proto__', 404, 'unknown_type'],
])('%s %s responds %i %s, with CORS headers', async (method, path, status, code) => {
  const { request } = ingestInMemory()
  const headers = { ...withKey, origin: 'https://shop.example.com' }
  const response = await request(path, { method, headers, body: event })
  expect(response).toMatchObject({ status, body: { success: false, code } })
  expect(response.headers).toMatchObject({ 'access-control-allow-origin': '*' })
})

test('HEAD is answered like GET, without the body', async () => {
  const { request } = ingestInMemory()
  const path = '/v1/projects/KEY/settings'
  const [get, head] = await Promise.all(['GET', 'HEAD'].map(method => request(path, { method })))
  expect(head).toEqual({ ...get, body: undefined })
})

test('a trailing slash is ignored', async () => {
  const { request } = ingestInMemory()
  expect((await request('/v1/batch/', { headers: withKey, body: '{"batch":[]}' })).status).toBe(200)
})

test('a batch is decoded with a wrong content type, gzipped, and with whitespace and escapes wherever JSON allows them', async () => {
  const batch =
    '{ "batch" : [ {"type":"page","userId":"u","messageId":"1","properties":{"batch":"},["}} , 5 ] , "b\\u0061tch2": 1 }'
  const packed = ingestInMemory()
  const form = { ...withKey, 'content-type': 'application/x-www-form-urlencoded' }
  const response = await packed.request('/v1/batch', { headers: form, body: gzipSync(batch) })
  expect(response.body).toMatchObject({ accepted: 1, quarantined: [{ index: 1 }] })
  expect(packed.events).toMatchObject([{ id: '1' }])
  const plain = ingestInMemory()
  await plain.request('/v1/b', {
    headers: { ...withKey, 'content-type': 'text/plain' },
    body: batch.replace('"batch"', '"b\\u0061tch"'),
  })
  expect(plain.events).toMatchObject([{ id: '1' }])
  expect(plain.quarantined).toMatchObject([{ body: '5' }])
})

test('a beacon may have its key in the query and is sent with credentials', async () => {
  const { request } = ingestInMemory()
  const headers = { 'content-type': 'text/plain;charset=UTF-8', origin: 'https://shop.example.com' }
  const response = await request('/beacon/v1/batch', { headers, query: { writeKey: 'good' }, body: '{"batch":[]}' })
  expect(response).toMatchObject({
    status: 200,
    headers: { 'access-control-allow-origin': 'https://shop.example.com', 'access-control-allow-credentials': 'true' },
  })
})

test('only a beacon is answered with credentials, also when it asks before', async () => {
  const { request } = ingestInMemory()
  const headers = { ...withKey, origin: 'https://shop.example.com' }
  const beacon = await request('/beacon/v1/batch/', { method: 'OPTIONS', headers })
  expect(beacon.headers).toMatchObject({
    'access-control-allow-origin': 'https://shop.example.com',
    'access-control-allow-credentials': 'true',
  })
  for (const [method, path] of [
    ['OPTIONS', '/v1/batch'],
    ['POST', '/v1/batch'],
    ['GET', '/v1/projects/KEY/settings'],
  ] as const) {
    const response = await request(path, { method, headers, body: '{"batch":[]}' })
    expect(response.headers).toMatchObject({ 'access-control-allow-origin': '*' })
    expect(response.headers['access-control-allow-credentials']).toBeUndefined()
  }
})

test('every response is neither sniffed nor stored; on https, browsers use only https from then on', async () => {
  const { request } = ingestInMemory()
  const common = { 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' }
  for (const path of ['/v1/events', '/nothing']) {
    const https = await request(path, { headers: { ...withKey, 'x-forwarded-proto': 'https' }, body: '[]' })
    expect(https.headers).toMatchObject({ ...common, 'strict-transport-security': 'max-age=31536000' })
    expect((await request(path, { body: '[]' })).headers['strict-transport-security']).toBeUndefined()
  }
})

test('an admin key is not accepted in the URL, even if it is also in a header; in a header it is', async () => {
  const { request, events } = ingestInMemory()
  const body = '{"type":"signup"}'
  const header = { authorization: 'Bearer rules' }
  for (const [key, headers] of [
    ['rules', {}],
    ['reads', {}],
    ['rules', header],
  ] as const)
    expect(await request('/v1/events', { query: { writeKey: key }, headers, body })).toMatchObject({
      status: 403,
      body: { code: 'key_scope', message: expect.stringMatching(/^Only client and write keys are accepted in \?writeKey=/) },
    })
  expect(events).toEqual([])
  expect((await request('/v1/events', { headers: header, body })).status).toBe(200)
  expect((await request('/v1/events', { query: { writeKey: 'good' }, body })).status).toBe(200)
})

describe('a preflight request', () => {
  const allowed = async (asked: string, origin = 'https://shop.example.com') => {
    const headers = { origin, 'access-control-request-headers': asked }
    const response = await ingestInMemory().request('/v1/t', { method: 'OPTIONS', headers })
    return { headers: response.headers, names: String(response.headers['access-control-allow-headers']).split(', ') }
  }

  test('allows the headers that it asks for: those of tracing tools, CloudEvents and compression', async () => {
    const asked = ['traceparent', 'baggage', 'sentry-trace', 'x-datadog-trace-id', 'content-encoding', 'ce-id']
    const { names, headers } = await allowed(asked.join(','))
    expect(names).toEqual(expect.arrayContaining(['authorization', ...asked]))
    expect(headers['vary']).toBe('origin, access-control-request-headers')
  })

  test('allows no text that is not the name of a header, no `*`, and no more than 64 names', async () => {
    const fixed = (await allowed('')).names
    for (const asked of ['*', 'a b', 'x:y', 'a\r\nset-cookie: b', '<b>', 'ü', 'x'.repeat(65), ' , ,', 'X-Write-Key'])
      expect((await allowed(asked)).names).toEqual(fixed)
    const many = Array.from({ length: 1000 }, (_, i) => `x-${i}`).join()
    expect((await allowed(many)).names).toHaveLength(fixed.length + 64)
  })

  test('from the origin `*` gets no credentials', async () => {
    const { headers } = await allowed('traceparent', '*')
    expect(headers['access-control-allow-origin']).toBe('*')
    expect(headers['access-control-allow-credentials']).toBeUndefined()
  })
})

test('a preflight request allows every header that an SDK adds', async () => {
  const { request } = ingestInMemory()
  const response = await request('/v1/t', { method: 'OPTIONS', headers: { origin: 'https://shop.example.com' } })
  expect(response).toMatchObject({ status: 204, headers: { 'access-control-max-age': '86400' } })
  expect(response.headers['access-control-allow-headers']).toContain('authorization, content-type, x-retry-count')
  expect(response.headers).toMatchObject({ 'access-control-allow-origin': '*' })
})

test('an SDK’s metrics about itself are accepted and not stored', async () => {
  const { request, events } = ingestInMemory()
  expect(await request('/v1/m', { body: '{"series":[]}' })).toMatchObject({ status: 200, body: { success: true } })
  expect(events).toEqual([])
})

test('settings direct a browser’s events to this stage, whatever Host the request has: caches may keep them', async () => {
  const { request } = ingestInMemory()
  const hostOf = async (host: string) => {
    const { body } = await request('/v1/projects/KEY/settings', { method: 'GET', headers: { host } })
    return body.integrations['Segment.io'].apiHost
  }
  for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1:80@evil.example', 'localhost/', ''])
    expect(await hostOf(host)).toBe('events.example.com/v1')
  expect(await hostOf('127.0.0.1:24580')).toBe('127.0.0.1:24580/v1')
})

test('settings direct a browser’s events to the host of the request, and are cacheable', async () => {
  const { request } = ingestInMemory()
  const headers = { 'x-forwarded-proto': 'https' }
  const response = await request('/v1/projects/KEY/settings', { method: 'GET', headers })
  expect(response).toMatchObject({ status: 200, headers: { 'cache-control': 'public, max-age=300' } })
  expect(response.body).toEqual({
    integrations: { 'Segment.io': { apiKey: 'KEY', apiHost: 'events.example.com/v1', protocol: 'https' } },
    plan: { track: {} },
    metrics: { sampleRate: 0 },
  })
  const source = await request('/sourceConfig/', { method: 'GET', query: { writeKey: 'KEY' } })
  expect(source.body.source).toMatchObject({ id: 'KEY', destinations: [], config: {} })
})

test('a key above its rate limit gets 429 with Retry-After; other keys are not affected', async () => {
  let now = 0
  const { request } = ingestInMemory({ withinRateLimit: rateLimit(2, () => now) })
  const statusOf = async (key: string) => (await request('/v1/events', { query: { writeKey: key }, body: event })).status
  expect([await statusOf('good'), await statusOf('good'), await statusOf('good')]).toEqual([200, 200, 429])
  expect(await statusOf('other')).toBe(200)
  now = 1000
  const statuses = [await statusOf('good'), await statusOf('good'), await statusOf('good')]
  expect(statuses).toEqual([200, 200, 429])
  const limited = await request('/v1/events', { query: { writeKey: 'good' }, body: event })
  expect(limited).toMatchObject({ headers: { 'retry-after': '1' }, body: { code: 'rate_limited' } })
})
