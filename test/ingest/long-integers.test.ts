import { planReplay } from '../../lambdas/ingest/plan-replay.ts'
import { ExactSerializer } from '../../lambdas/search/opensearch.ts'
import { readUserItem, userAttributes } from '../../lambdas/state/dynamodb-items.ts'
import { planWrites } from '../../lambdas/state/plan-writes.ts'
import { eventTypes, projections } from '../../shared/catalogue.ts'
import type { Event } from '../../shared/event.ts'
import { parseExact } from '../../shared/exact-json.ts'
import { userTraitsProjection } from '../../shared/projections/user-traits.ts'
import { eventDocument } from '../../shared/raw-events.ts'
import { parseUnmerged, unmergedText } from '../../shared/unmerged-delta.ts'
import { ingestInMemory, withKey } from '../fakes/ingest.ts'
import { aStoredUser, memory } from '../fixtures/memory.ts'

const catalogue = new Map(eventTypes.map(type => [type.name, type]))
const LONG = '12345678901234567891'
const send = async (path: string, body: string | Uint8Array, headers = {}) => {
  const memory = ingestInMemory()
  return { ...memory, response: await memory.request(path, { headers: { ...withKey, ...headers }, body }) }
}
const binary = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': 's', 'ce-type': 't', 'content-type': 'application/json' }
const base64 = Buffer.from(`{"n":${LONG}}`).toString('base64')

test.each<[string, string, string | Uint8Array, object?]>([
  ['an envelope', '/v1/events', `{"type":"t","data":{"n":${LONG}}}`],
  ['data that is a number', '/v1/events', `{"type":"t","data":${LONG}}`],
  ['an array', '/v1/events', `[{"type":"t","data":[[${LONG}]]}]`],
  ['NDJSON', '/v1/events', `{"type":"t","data":{"n":${LONG}}}\n{"type":"t"}`],
  ['NDJSON beside a line that is not UTF-8', '/v1/events', Buffer.from(`{"type":"t","data":${LONG}}\n"\xe9"`, 'latin1')],
  ['a field of a row without a column', '/v1/events/page_visit', `{"Id":1,"Url":"/","Timestamp":1,"n":{"m":${LONG}}}`],
  ['a CloudEvent', '/v1/events', `{"specversion":"1.0","id":"1","source":"s","type":"t","ext":${LONG},"data":{"n":${LONG}}}`],
  [
    'a CloudEvent in base64',
    '/v1/events',
    `{"specversion":"1.0","id":"1","source":"s","type":"t","datacontenttype":"application/json","data_base64":"${base64}"}`,
  ],
  ['a CloudEvent in binary mode', '/v1/events', `{"n":${LONG}}`, binary],
  ['a track call', '/v1/track', `{"event":"e","userId":"u","properties":{"n":${LONG}}}`],
  ['the context of a batch', '/v1/batch', `{"context":{"n":${LONG}},"batch":[{"type":"page","userId":"u"}]}`],
  ['traits', '/v1/identify', `{"userId":"u","traits":{"n":${LONG}}}`],
])('%s: a long integer keeps its digits in the stream and in the raw event', async (_, path, body, headers = {}) => {
  const { events } = await send(path, body, headers)
  const [event] = events
  expect(JSON.stringify(event?.data)).toContain(LONG)
  expect(JSON.stringify(eventDocument(event as Event, catalogue.get(event?.type ?? '')))).toContain(LONG)
})

test('a long integer in a field with a column is refused if the column has integers, else it is a double', async () => {
  const { response, events } = await send(
    '/v1/events',
    `[{"type":"page_visit","data":{"Id":${LONG},"Url":"/","Timestamp":1}},
      {"type":"reading","data":{"device_id":"d","timestamp":1,"temperature":${LONG}}},
      {"type":"page_visit","data":${LONG}},
      {"type":"t","id":${LONG}}]`,
  )
  expect(response.body.quarantined.map(({ message }: { message: string }) => message)).toEqual([
    'Id is out of range; it must be an integer from -9007199254740991 to 9007199254740991.',
    'data must be an object of page_visit, not a number.',
    'id must be a string of 1 to 128 characters, not a number.',
  ])
  expect(events).toMatchObject([{ data: { temperature: Number(LONG) } }])
})

test('an integer of 400 digits does not fit into a double and is refused', async () => {
  const { response } = await send('/v1/events', `{"type":"t","data":${'9'.repeat(400)}}`)
  expect(response.body.quarantined).toMatchObject([{ code: 'invalid_event', message: expect.stringContaining('double') }])
})

test('a long integer does not make an event one level deeper', async () => {
  const data = `${'['.repeat(31)}${LONG}${']'.repeat(31)}`
  expect((await send('/v1/events', `{"type":"t","data":${data}}`)).response.body.accepted).toBe(1)
})

test('a quarantined event keeps the digits, and its replay, too', async () => {
  const { quarantined } = await send('/v1/events', `{"type":"page_visit","data":{"Id":1,"Url":"/","n":${LONG}}}`)
  const body = quarantined[0]?.body.replace('"Url"', '"Timestamp":1,"Url"') ?? ''
  expect(body).toContain(LONG)
  const replay = planReplay(
    { ...(quarantined[0] as NonNullable<(typeof quarantined)[0]>), body, key: 'k', count: 1 },
    { eventTypes: catalogue, keys: [], signedTraits: false },
  )
  expect(replay).toMatchObject({ kind: 'put', lines: [expect.stringContaining(LONG)] })
})

test('a trait keeps the digits in the state, when the state is read, and in the document', async () => {
  const { events } = await send('/v1/identify', `{"userId":"u","traits":{"n":${LONG},"m":1}}`)
  const record = { sequenceNumber: '1', received: 1, arrived: 1, events, positions: [...events.keys()], erasure: false }
  const rules = { memory, latenessMs: undefined, retentionMs: 0 }
  const [write] = planWrites(aStoredUser('u'), [record], { projections, ...rules })
  const item = readUserItem(userAttributes(write?.item as NonNullable<typeof write>['item']))
  expect(write?.rejections).toEqual([])
  const document = userTraitsProjection.grain.document(userTraitsProjection, [item])
  expect(JSON.stringify(document)).toBe(`{"user_id":"u","traits":{"n":${LONG},"m":1},"groups":[]}`)
})

test('a delta that its window rejected keeps the digits in its replay', () => {
  const text = unmergedText({
    projection: 'own-r1',
    start: 0,
    user: 'anna',
    order: 1_700_000_000_000_000,
    state: { n: parseExact(LONG) },
  })
  expect(text).toContain(LONG)
  expect(unmergedText(parseUnmerged(text))).toBe(text)
})

test('the client of OpenSearch writes and reads the digits', () => {
  const serializer = new ExactSerializer()
  const text = `{"hits":[{"_source":{"data":{"n":${LONG}}}}]}`
  expect(serializer.serialize(serializer.deserialize(text))).toBe(text)
})
