import { readFileSync } from 'node:fs'
import { ingestInMemory, withKey } from '../fakes/ingest.ts'

/** Bodies with which products of this kind had faults. */
const input = (name: string): Buffer => readFileSync(new URL(`../golden/inputs/${name}`, import.meta.url))
const NDJSON = 'application/x-ndjson'
const JSON_TYPE = 'application/json'

async function post(path: string, name: string, type: string) {
  const { request, events, quarantined } = ingestInMemory()
  const { status, body } = await request(path, { headers: { ...withKey, 'content-type': type }, body: input(name) })
  return { status, body, events, quarantined }
}

test.each<[string, string, string, number, Record<number, string>]>([
  ['per-user-ids-two-users.json', '/v1/events/app_action', JSON_TYPE, 2, {}],
  ['csv-cells.ndjson', '/v1/events/app_action', NDJSON, 21, {}],
  ['clock-2036.ndjson', '/v1/events/reading', NDJSON, 104, {}],
  ['one-latin1-row.ndjson', '/v1/events/page_visit', NDJSON, 4, { 3: 'malformed_json' }],
  ['batch-bad-byte.json', '/v1/batch', JSON_TYPE, 1, { 1: 'malformed_json' }],
  ['terminal-escapes.json', '/v1/events/page_visit', JSON_TYPE, 1, { 1: 'invalid_event', 2: 'invalid_event' }],
  ['escape-line.ndjson', '/v1/events', NDJSON, 1, { 0: 'malformed_json' }],
  [
    'numeric-ids.json',
    '/v1/batch',
    JSON_TYPE,
    9,
    { 8: 'invalid_event', 9: 'invalid_event', 10: 'invalid_event', 11: 'invalid_event' },
  ],
  ['two-ids.json', '/v1/batch', JSON_TYPE, 2, {}],
])('%s to %s: each element has its own result', async (name, path, type, accepted, codes) => {
  const { status, body, events, quarantined } = await post(path, name, type)
  expect([status, body.accepted, events.length]).toEqual([200, accepted, accepted])
  const found = (body.quarantined as { index: number; code: string }[]).map(({ index, code }) => [index, code])
  expect(Object.fromEntries(found)).toEqual(codes)
  expect(quarantined).toHaveLength(found.length)
})

test('two-ids.json: two calls of one row have its id, and each keeps its messageId', async () => {
  const { events } = await post('/v1/batch', 'two-ids.json', JSON_TYPE)
  expect(events.map(({ id }) => id)).toEqual(['order-77', 'order-77'])
  expect(events.map(({ data }) => JSON.stringify(data).match(/m-\d/)?.[0])).toEqual(['m-1', 'm-2'])
})

test('numeric-ids.json: integers beyond 2^53 stay different users and different events', async () => {
  const { events } = await post('/v1/batch', 'numeric-ids.json', JSON_TYPE)
  expect(events.slice(0, 8).map(({ subject, id }) => [subject, id])).toEqual([
    ['1524831183200260097', 'big-1'],
    ['1524831183200260097', 'big-3'],
    ['1524831183200260098', 'big-2'],
    ['1524831183200260098', 'big-4'],
    ['m', '9223372036854775801'],
    ['m', '9223372036854775802'],
    ['mm1', '9223372036854775803'],
    ['mm1', '9223372036854775804'],
  ])
})

test('times.ndjson: times of RFC 3339 are accepted to the microsecond, every other form is rejected', async () => {
  const { body, events } = await post('/v1/events', 'times.ndjson', NDJSON)
  const micros = new Map(events.map(({ id, time }) => [id, Number(time % 1_000_000n)]))
  expect([...micros]).toEqual([
    ['tm-2', 0],
    ['tm-4', 0],
    ['tm-5', 0],
    ['tm-6', 0],
    ['tm-12', 100_000],
    ['tm-13', 123_456],
    ['tm-14', 123_456],
    ['tm-15', 123_456],
    ['tm-22', 0],
    ['tm-25', 0],
    ['tm-34', 599_999],
  ])
  expect(body.accepted + body.quarantined.length).toBe(input('times.ndjson').toString().trimEnd().split('\n').length)
})
