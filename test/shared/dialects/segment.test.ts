import { ingestInMemory, RECEIVED, withKey } from '../../fakes/ingest.ts'

const post = async (path: string, body: unknown) => {
  const memory = ingestInMemory()
  const response = await memory.request(path, { headers: withKey, body: JSON.stringify(body) })
  return { ...memory, response }
}
const only = async (path: string, body: unknown) => {
  const { events, quarantined } = await post(path, body)
  expect(quarantined).toEqual([])
  expect(events).toHaveLength(1)
  return events[0]
}
const tracked = { type: 'track', messageId: 'm1', userId: 'u1', event: 'Order Completed', properties: { total: 5 } }
const time = (iso: string) => BigInt(Date.parse(iso)) * 1000n

test('the type of a track call is the name of its event, and all its fields are kept', async () => {
  expect(await only('/v1/track', { ...tracked, context: { ip: '1.2.3.4' } })).toEqual({
    id: 'm1',
    keyId: 'k_web',
    source: 'web',
    type: 'Order Completed',
    subject: 'u1',
    time: BigInt(RECEIVED) * 1000n,
    received: RECEIVED,
    data: {
      type: 'track',
      userId: 'u1',
      event: 'Order Completed',
      properties: { total: 5 },
      context: { ip: '1.2.3.4' },
    },
  })
})

test.each([
  ['page', 'p'],
  ['screen', 's'],
  ['alias', 'a'],
])('the type of a %s call is the name of the call, on its long and its short path', async (call, letter) => {
  for (const path of [`/v1/${call}`, `/v1/${letter}`])
    expect(await only(path, { userId: 'u1', messageId: 'm' })).toMatchObject({ type: call, data: { type: call } })
})

test.each(['identify', 'page', 'millrace.erasure', 'x'.repeat(129)])('an event called %s gets the type track', async event => {
  expect(await only('/v1/t', { ...tracked, event })).toMatchObject({ type: 'track', data: { event } })
})

test('the type in a call wins over its path', async () => {
  expect(await only('/v1/track', { type: 'page', anonymousId: 'a1' })).toMatchObject({ type: 'page', subject: 'a1' })
})

test.each([
  ['userId is null', { userId: null, anonymousId: 'a1' }, 'a1'],
  ['userId is empty', { userId: '', anonymousId: 'a1' }, 'a1'],
  ['userId is absent', { anonymousId: 'a1' }, 'a1'],
  ['userId is a number', { userId: 7 }, '7'],
])('the user if %s', async (_, ids, subject) => {
  expect(await only('/v1/page', ids)).toMatchObject({ subject })
})

test('calls without a user, and track calls without an event, are quarantined; the rest of the batch is accepted', async () => {
  const invalid = [
    { type: 'track', event: 'A', userId: '', anonymousId: null, messageId: 'm2', writeKey: 'good' },
    { type: 'track', userId: 'u', messageId: 'm3' },
    { type: 'launch', userId: 'u', messageId: 'm4' },
    5,
  ]
  const { response, events, quarantined } = await post('/v1/batch', { batch: [...invalid, tracked] })
  expect(response).toMatchObject({ status: 200, body: { success: true, accepted: 1 } })
  expect(response.body.quarantined).toEqual([
    { index: 0, id: 'm2', code: 'invalid_event', message: 'An event needs a userId or an anonymousId.' },
    { index: 1, id: 'm3', code: 'invalid_event', message: 'event is missing; it must be a string, the name of the event.' },
    {
      index: 2,
      id: 'm4',
      code: 'invalid_event',
      message: 'type must be one of track, page, identify, screen, group, alias.',
    },
    { index: 3, id: null, code: 'invalid_event', message: 'An event must be a JSON object, not a number.' },
  ])
  expect(events.map(({ id }) => id)).toEqual(['m1'])
  expect(quarantined[0]?.body).toBe(JSON.stringify({ ...(invalid[0] as object), writeKey: '' }))
})

test('times that cannot be parsed are ignored and counted', async () => {
  const { request, counts } = ingestInMemory()
  const times = [{ timestamp: 'yesterday' }, { timestamp: 5, sentAt: 'x' }, { originalTimestamp: '', timestamp: null }, {}]
  const batch = times.map(time => ({ type: 'page', userId: 'u', ...time }))
  const body = JSON.stringify({ batch, sentAt: 'now' })
  expect(await request('/v1/batch', { headers: withKey, body })).toMatchObject({ body: { accepted: 4 } })
  // The sentAt of the batch counts for the three events without their own.
  expect(counts['TimesIgnored']).toBe(6)
})

test.each(['/v1/batch', '/v1/import'])('%s takes a batch', async path => {
  const { request } = ingestInMemory()
  const body = JSON.stringify({ batch: [{ type: 'page', userId: 'u' }] })
  expect(await request(path, { headers: withKey, body })).toMatchObject({ status: 200, body: { accepted: 1 } })
})

test('context and sentAt of a batch are defaults, and an event’s own fields win', async () => {
  const { events } = await post('/v1/batch', {
    batch: [
      { ...tracked, context: { ip: 'own' } },
      { ...tracked, messageId: 'm2' },
    ],
    context: { ip: 'shared', library: { name: 'go' } },
    sentAt: '2023-11-14T22:13:20Z',
    writeKey: 'good',
  })
  expect(events.map(({ data }) => data)).toMatchObject([
    { context: { ip: 'own', library: { name: 'go' } }, sentAt: '2023-11-14T22:13:20Z' },
    { context: { ip: 'shared', library: { name: 'go' } } },
  ])
  expect(JSON.stringify(events.map(({ data }) => data))).not.toContain('writeKey')
})

describe('times of a wrong clock', () => {
  test.each([
    ['10 minutes ahead', { timestamp: '2023-11-14T22:23:15Z', sentAt: '2023-11-14T22:23:20Z' }, '2023-11-14T22:13:15Z'],
    ['in 1970', { timestamp: '1970-01-01T00:00:05Z', sentAt: '1970-01-01T00:00:15Z' }, '2023-11-14T22:13:10Z'],
    [
      'with an original time, which wins over timestamp',
      { originalTimestamp: '2023-11-14T22:23:15.000Z', timestamp: 'x', sentAt: '2023-11-14T22:23:20+00:00' },
      '2023-11-14T22:13:15Z',
    ],
    ['without sentAt', { timestamp: '2023-11-14T20:00:00Z' }, '2023-11-14T20:00:00Z'],
    ['with an invalid sentAt', { timestamp: '2023-11-14T20:00:00Z', sentAt: 'now' }, '2023-11-14T20:00:00Z'],
    [
      'exactly a day after its arrival',
      { timestamp: '2023-11-15T22:13:20Z', sentAt: '2023-11-14T22:13:20Z' },
      '2023-11-15T22:13:20Z',
    ],
    [
      'more than a day after its arrival',
      { timestamp: '2023-11-15T22:13:20.000001Z', sentAt: '2023-11-14T22:13:20Z' },
      '2023-11-14T22:13:20Z',
    ],
    ['with an invalid time', { timestamp: 'yesterday', sentAt: '2023-11-14T22:13:20Z' }, '2023-11-14T22:13:20Z'],
    ['without any time', {}, '2023-11-14T22:13:20Z'],
  ])('%s', async (_, times, corrected) => {
    const event = await only('/v1/track', { ...tracked, ...times })
    expect(event).toMatchObject({ id: 'm1', time: time(corrected), received: RECEIVED, data: times })
  })

  test('microseconds are kept exactly, and nanoseconds are dropped', async () => {
    const times = { timestamp: '2023-11-14T22:13:19.123456789Z', sentAt: '2023-11-14T22:13:20.000001Z' }
    expect(await only('/v1/track', { ...tracked, ...times })).toMatchObject({ time: 1_699_999_999_123_455n })
  })

  test('a rejected event is the same item in the quarantine whenever it is sent again', async () => {
    const bodies = [RECEIVED, RECEIVED + 5000].map(async now => {
      const { request, quarantined } = ingestInMemory({ now: () => now })
      const event = { ...tracked, event: 'reading', timestamp: '2023-11-14T22:00:00Z', sentAt: '2023-11-14T22:10:00Z' }
      await request('/v1/track', { headers: withKey, body: JSON.stringify(event) })
      return quarantined[0]?.body
    })
    const [first, second] = await Promise.all(bodies)
    expect(first).toContain('"sentAt":"2023-11-14T22:10:00Z"')
    expect(second).toBe(first)
  })
})

test('the id of an event without messageId is a hash of its bytes and its key', async () => {
  const { messageId, ...event } = tracked
  const ids = ['good', 'good', 'other'].map(async key => {
    const { request, events } = ingestInMemory()
    await request('/v1/track', { query: { writeKey: key }, body: JSON.stringify(event) })
    return events[0]?.id
  })
  const [first, again, elsewhere] = await Promise.all(ids)
  expect(first).toMatch(/^[0-9a-f]{64}$/)
  expect(again).toBe(first)
  expect(elsewhere).not.toBe(first)
})

test('an event with a name in the catalogue gets that type: its properties are the row, with user and time', async () => {
  const properties = { device_id: 'd1', timestamp: 1.5, event_duration: 2 }
  const event = await only('/v1/track', { ...tracked, event: 'reading', properties, context: { ip: 'x' } })
  expect(event).toMatchObject({
    id: 'm1',
    type: 'reading',
    subject: 'd1',
    time: 1_500_000n,
    data: { ...properties, temperature: null, sdk: { userId: 'u1', context: { ip: 'x' } } },
  })
})

test('a row’s own id wins over the messageId, which stays in the data', async () => {
  const row = { user_id: 9400, app_name: 's', event_action: 'paid', event_category: 'c', event_id: 'order-77' }
  const calls = ['m-1', 'm-2'].map(messageId => ({ ...tracked, messageId, userId: '9400', event: 'app_action', properties: row }))
  const { events } = await post('/v1/batch', { batch: calls })
  expect(events).toMatchObject([
    { id: 'order-77', subject: '9400', data: { sdk: { messageId: 'm-1' } } },
    { id: 'order-77', subject: '9400', data: { sdk: { messageId: 'm-2' } } },
  ])
})

test('a row with a field sdk keeps it, and the call too', async () => {
  const properties = { device_id: 'd1', timestamp: 1.5, sdk: 'mine' }
  expect(await only('/v1/track', { ...tracked, event: 'reading', properties })).toMatchObject({
    data: { sdk: 'mine', sdk_: { userId: 'u1' } },
  })
})

/** Calls as text: JSON.stringify would round their numbers. */
const postText = async (path: string, body: string) => {
  const memory = ingestInMemory()
  const response = await memory.request(path, { headers: withKey, body })
  return { ...memory, response }
}

test('an id that is an integer keeps its digits, at any length and for every call', async () => {
  const { events, quarantined } = await postText(
    '/v1/batch',
    `{"batch":[
{"type":"track","event":"order_paid","messageId":"big-1","userId":1524831183200260097,"properties":{"n":1}},
{"type":"track","event":"order_paid","messageId":"big-2","userId" : 1524831183200260098,"properties":{"n":2}},
{"type":"identify","messageId":"big-3","us\\u0065rId":1524831183200260097,"traits":{"name":"A"}},
{"type":"group","messageId":"big-4","userId":"u","groupId":9223372036854775801,"traits":{}},
{"type":"alias","messageId":9223372036854775801,"userId":"m","previousId":9223372036854775802},
{"type":"alias","messageId":9223372036854775802,"userId":"m","previousId":7},
{"type":"page","messageId":"big-5","userId":null,"anonymousId":${'9'.repeat(128)}}
]}`,
  )
  expect(quarantined).toEqual([])
  const sorted = events.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  expect(sorted.map(({ id, subject, data }) => [id, subject, data])).toMatchObject([
    ['9223372036854775801', 'm', { previousId: '9223372036854775802' }],
    ['9223372036854775802', 'm', { previousId: '7' }],
    ['big-1', '1524831183200260097', { userId: '1524831183200260097' }],
    ['big-2', '1524831183200260098', { userId: '1524831183200260098' }],
    ['big-3', '1524831183200260097', { user_id: '1524831183200260097', sdk: { userId: '1524831183200260097' } }],
    ['big-4', 'u', { group_id: '9223372036854775801' }],
    ['big-5', '9'.repeat(128), {}],
  ])
})

test.each([
  ['userId', '"userId":1e21'],
  ['userId', '"userId":1.5'],
  ['userId', '"userId":1.0'],
  ['userId', '"userId":-0'],
  ['userId', '"userId":true,"anonymousId":"an"'],
  ['anonymousId', '"anonymousId":1e3'],
  ['messageId', '"userId":"u","messageId":1.5'],
  ['messageId', '"userId":"u","messageId":false'],
  ['groupId', '"userId":"u","type":"group","groupId":2.5'],
])('any other number or a boolean as %s is quarantined: %s', async (field, ids) => {
  const { events, quarantined } = await postText('/v1/batch', `{"batch":[{"type":"track","event":"e",${ids}}]}`)
  expect(events).toEqual([])
  expect(quarantined).toMatchObject([
    { code: 'invalid_event', message: expect.stringMatching(`^${field} .*send it as text\\.$`) },
  ])
})

test('sentAt, which a retry changes, is not part of the hash that makes an id', async () => {
  const call = (sentAt: string) => `{"type":"page", ${sentAt} "userId":"u","properties":{"sentAt":1}}`
  const ids = await Promise.all(
    ['"sentAt":"2023-11-14T22:10:00Z",', '"sentAt":"2023-11-14T22:11:00Z",', '', '"name":"other",'].map(
      async sentAt => (await postText('/v1/page', call(sentAt))).events[0]?.id,
    ),
  )
  expect(ids[1]).toBe(ids[0])
  expect(new Set(ids).size).toBe(3)
})

test.each([33, 900, 1100])('a call that a shared context of %i KB makes larger than 32 KB is quarantined', async kilobytes => {
  const batch = [
    { type: 'identify', messageId: 'c-0', userId: 'u', traits: { n: 0 } },
    { ...tracked, messageId: 'c-1', properties: { n: 1 } },
  ]
  const { response, events, quarantined } = await post('/v1/batch', {
    batch,
    context: { app: { name: 'a' }, pad: 'p'.repeat(kilobytes * 1024) },
  })
  expect(response).toMatchObject({ status: 200, body: { accepted: 0 } })
  expect(events).toEqual([])
  expect(quarantined.map(({ id, code }) => [id, code])).toEqual([
    ['c-0', 'event_too_large'],
    ['c-1', 'event_too_large'],
  ])
})

test('an invalid row of a catalogued type is quarantined', async () => {
  const { response, quarantined } = await post('/v1/track', { ...tracked, event: 'page_visit', properties: { Id: 'x' } })
  expect(response.body).toMatchObject({ accepted: 0, quarantined: [{ id: 'm1', code: 'invalid_event' }] })
  expect(quarantined[0]).toMatchObject({ type: 'page_visit', form: 'envelope' })
})

test('identify and group calls become user_traits', async () => {
  const traits = { plan: 'pro' }
  expect(await only('/v1/identify', { userId: 'u1', traits })).toMatchObject({
    type: 'user_traits',
    subject: 'u1',
    data: { user_id: 'u1', group_id: null, traits },
  })
  expect(await only('/v1/group', { userId: 'u1', groupId: 'g1', traits })).toMatchObject({
    type: 'user_traits',
    data: { user_id: 'u1', group_id: 'g1', traits, sdk: { type: 'group' } },
  })
})

test('a batch is rejected if its context, counted once per event, makes it larger than 4 MB', async () => {
  const batch = Array.from({ length: 200 }, (_, i) => ({ ...tracked, messageId: String(i) }))
  const { response, events } = await post('/v1/batch', { batch, context: { a: 'x'.repeat(30_000) } })
  expect(response).toMatchObject({ status: 413, body: { success: false, code: 'body_too_large' } })
  expect(events).toEqual([])
})
