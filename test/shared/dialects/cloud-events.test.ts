import { ingestInMemory, withKey } from '../../fakes/ingest.ts'

const valid = { specversion: '1.0', id: 'e1', source: '/shop', type: 'order.placed', subject: 'u1', time: '2026-01-31T12:00:00Z' }
const send = async (body: unknown, contentType = 'application/cloudevents+json', headers: Record<string, string> = {}) => {
  const memory = ingestInMemory()
  const bytes = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
  const response = await memory.request('/v1/events', {
    headers: { ...withKey, 'content-type': contentType, ...headers },
    body: bytes,
  })
  return { ...memory, response }
}

test('the attributes of a CloudEvent become the fields of the envelope', async () => {
  const { events, response } = await send({ ...valid, data: { total: 5 } })
  expect(response).toMatchObject({ status: 200, body: { success: true, accepted: 1 } })
  expect(events).toMatchObject([
    { id: 'e1', source: '/shop', type: 'order.placed', subject: 'u1', time: 1_769_860_800_000_000n, data: { total: 5 } },
  ])
})

test('a batch may be empty', async () => {
  const type = 'application/cloudevents-batch+json; charset=utf-8'
  expect((await send([], type)).response).toMatchObject({ status: 200, body: { accepted: 0 } })
  expect((await send([valid, { ...valid, id: 'e2' }], type)).events.map(({ id }) => id)).toEqual(['e1', 'e2'])
})

test.each([
  ['an object keeps its fields', { a: 1 }, { a: 1, ce_extensions: { traceparent: '00-1', retries: 2 } }],
  ['its own ce_extensions stay', { ce_extensions: 1 }, { ce_extensions: 1, ce_extensions_: { traceparent: '00-1', retries: 2 } }],
  ['a list becomes the field value', [1], { value: [1], ce_extensions: { traceparent: '00-1', retries: 2 } }],
  ['no data at all', undefined, { ce_extensions: { traceparent: '00-1', retries: 2 } }],
])('extensions are added to the data: %s', async (_, data, stored) => {
  const { events } = await send({ ...valid, traceparent: '00-1', retries: 2, data })
  expect(events[0]?.data).toEqual(stored)
})

test('JSON in base64 is decoded, other bytes stay base64', async () => {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const json = { ...valid, datacontenttype: 'application/json', data_base64: base64('{"a":1}') }
  expect((await send(json)).events[0]?.data).toEqual({ a: 1 })
  const bytes = { ...valid, datacontenttype: 'image/png', data_base64: 'iVBORw==' }
  expect((await send(bytes)).events[0]?.data).toEqual({
    data_base64: 'iVBORw==',
    ce_extensions: { datacontenttype: 'image/png' },
  })
})

test('in binary mode the headers are the percent-decoded attributes, and the body is the data', async () => {
  const headers = {
    'ce-specversion': '1.0',
    'ce-id': 'e%201',
    'ce-source': '/shop',
    'ce-type': 'order.placed',
    'ce-subject': 'Euro%20%E2%82%AC%20%F0%9F%98%80',
    'ce-note': '"a \\"quoted\\" 100%"',
  }
  const { events } = await send('{"total":5}', 'application/json', headers)
  expect(events).toMatchObject([
    { id: 'e 1', subject: 'Euro € 😀', data: { total: 5, ce_extensions: { note: 'a "quoted" 100%' } } },
  ])
  expect((await send('just text', 'text/plain', headers)).events[0]?.data).toMatchObject({ value: 'just text' })
  expect((await send(new Uint8Array([1, 255]), 'application/octet-stream', headers)).events[0]?.data).toMatchObject({
    data_base64: 'Af8=',
  })
  expect((await send('', 'application/json', headers)).events).toMatchObject([{ id: 'e 1' }])
  expect((await send('{"total":', 'application/json', headers)).response).toMatchObject({
    status: 400,
    body: { code: 'malformed_json' },
  })
})

test('data that is nested ten thousand levels deep is quarantined as it was sent', async () => {
  const deep = '['.repeat(1e4) + ']'.repeat(1e4)
  const headers = { 'ce-specversion': '1.0', 'ce-id': 'e1', 'ce-source': '/shop', 'ce-type': 't' }
  const { response, quarantined } = await send(deep, 'application/json', headers)
  expect(response).toMatchObject({ status: 200, body: { accepted: 0, quarantined: [{ id: 'e1', code: 'invalid_event' }] } })
  expect(quarantined[0]?.body).toContain(`"data":${deep}`)
})

test('an event that is quarantined as it was sent does not contain the write key', async () => {
  let data: unknown = null
  for (let depth = 0; depth < 40; depth += 1) data = [data]
  const { response, quarantined } = await send({ ...valid, writeKey: 'good', data })
  expect(response).toMatchObject({ status: 200, body: { accepted: 0 } })
  expect(quarantined).toMatchObject([{ form: 'text', body: expect.stringContaining('"writeKey":""') }])
})

test.each<[string, object]>([
  ['no id', { id: undefined }],
  ['an empty source', { source: '' }],
  ['no type', { type: undefined }],
  ['no specversion', { specversion: undefined }],
  ['an old specversion', { specversion: '0.3' }],
  ['an id that is a number', { id: 5 }],
  ['an empty subject', { subject: '' }],
  ['an invalid time', { time: 'noon' }],
  ['both data and data_base64', { data: 1, data_base64: 'AA==' }],
  ['invalid base64', { data_base64: '%' }],
])('one event with %s rejects the whole body', async (_, change) => {
  const { response, events, quarantined } = await send([valid, { ...valid, ...change }], 'application/cloudevents-batch+json')
  expect(response).toMatchObject({ status: 400, body: { success: false, code: 'invalid_event' } })
  expect(response.body.message).toMatch(/^CloudEvent 1: .*\.$/)
  expect([events, quarantined]).toEqual([[], []])
})

test('a body with specversion is checked as CloudEvents without any header; without specversion it is an envelope', async () => {
  expect((await send({ specversion: '1.0', type: 't' }, 'text/plain')).response.status).toBe(400)
  expect((await send({ type: 't' }, 'text/plain')).response.status).toBe(200)
})

test.each(['application/cloudevents+avro', 'application/cloudevents-batch+protobuf', 'application/cloudevents'])(
  'the media type %s is not supported',
  async type => {
    expect((await send(valid, type)).response).toMatchObject({ status: 415, body: { code: 'unsupported_format' } })
  },
)

test('a valid CloudEvent that breaks a limit of ours is quarantined alone', async () => {
  const events = [valid, { ...valid, id: 'x'.repeat(129) }]
  expect((await send(events, 'application/cloudevents-batch+json')).response).toMatchObject({
    status: 200,
    body: { accepted: 1, quarantined: [{ index: 1, code: 'invalid_event' }] },
  })
})

test('a web hook gets permission to deliver', async () => {
  const { request } = ingestInMemory()
  const response = await request('/v1/events', { method: 'OPTIONS', headers: { 'webhook-request-origin': 'hooks.example.com' } })
  expect(response).toMatchObject({ status: 204, headers: { 'webhook-allowed-origin': 'hooks.example.com' } })
})
