import { gzipSync } from 'node:zlib'
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { keyStore } from '../../lambdas/keys/dynamodb.ts'
import { MAX_DEPTH, MAX_FIELDS } from '../../shared/limits.ts'
import { ingestInMemory, withKey } from '../fakes/ingest.ts'

const send = async (body: string | Uint8Array, path = '/v1/events') => {
  const memory = ingestInMemory()
  return { ...memory, answer: await memory.request(path, { headers: withKey, body }) }
}
const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
const wide = (fields: number) => `{${Array.from({ length: fields }, (_, i) => `"f${i}":0`)}}`

test(`events may be nested ${MAX_DEPTH} levels deep and have ${MAX_FIELDS} fields`, async () => {
  const bodies = [nested(MAX_DEPTH - 1), nested(MAX_DEPTH), wide(MAX_FIELDS - 2), wide(MAX_FIELDS - 1)].map(
    data => `{"type":"t","data":${data}}`,
  )
  const { answer, events } = await send(`[${bodies}]`)
  expect(events).toHaveLength(2)
  expect(answer.body.quarantined.map(({ index }: { index: number }) => index)).toEqual([1, 3])
})

test.each(['/v1/events', '/v1/events/interaction', '/v1/batch', '/v1/track'])(
  'two million levels at %s are put aside, as they came, and break nothing',
  async path => {
    const deep = `${'['.repeat(2e6)}${']'.repeat(2e6)}`
    expect((await send(`[${deep.slice(1, -1)}]`, path)).answer).toMatchObject({ status: 200, body: { accepted: 0 } })
    const wrapped = `{"type":"page","userId":"u","data":${'['.repeat(9000)}${']'.repeat(9000)}}`
    const { answer, quarantined } = await send(wrapped, path)
    expect(answer).toMatchObject({ status: 200, body: { accepted: 0, quarantined: [{ code: 'invalid_event' }] } })
    expect(quarantined[0]?.body).toBe(wrapped)
  },
)

test('what JavaScript gives a meaning to is a field like any other', async () => {
  const row = '{"eventType":"a","__proto__":{"x":1},"constructor":2,"toString":3}'
  for (const [path, body] of [
    ['/v1/events/interaction', row],
    ['/v1/track', `{"event":"interaction","userId":"u","properties":${row}}`],
    ['/v1/identify', `{"userId":"u","traits":${row}}`],
    ['/v1/events', `{"type":"__proto__","data":${row}}`],
  ] as const) {
    const { events } = await send(body, path)
    expect(events).toHaveLength(1)
    expect(JSON.stringify(events[0]?.data)).toContain('"__proto__":{"x":1}')
    expect(({} as { x?: unknown }).x).toBeUndefined()
  }
})

test.each([
  ['half a surrogate pair in a value', '{"type":"t","id":"1","data":{"a":"\\ud83d"}}'],
  ['half a surrogate pair in a name', '{"type":"t","id":"1","data":{"\\ude00":1}}'],
  ['a number beyond a double', '{"type":"t","id":"1","data":{"a":1e999}}'],
  ['the same below zero, in a list', '{"type":"t","id":"1","data":[[-1e999]]}'],
])('%s is put aside as it came', async (_, body) => {
  const { answer, events, quarantined } = await send(body)
  expect(answer.body).toMatchObject({ accepted: 0, quarantined: [{ index: 0, id: '1', code: 'invalid_event' }] })
  expect(quarantined).toMatchObject([{ form: 'text', body }])
  expect(events).toEqual([])
})

test('an id with half a surrogate pair is told and kept so that every store takes it', async () => {
  const { quarantined } = await send(`[{"type":"\\ud800","id":"\\ud800"},{"type":"t","id":"${'a'.repeat(127)}😀😀"}]`)
  expect(quarantined.map(({ id, type }) => [id, type])).toEqual([
    ['\ufffd', '\ufffd'],
    [`${'a'.repeat(127)}\ufffd`, 't'],
  ])
})

test.each(['{"toString":1}', '[{"__proto__":null}]', `${'['.repeat(9000)}${']'.repeat(9000)}`])(
  'whatever stands for a type, id or time is put aside: %.20s',
  async value => {
    for (const body of [`{"type":${value}}`, `{"type":"t","id":${value}}`, `{"type":"t","time":${value}}`])
      expect((await send(body)).answer.body).toMatchObject({ accepted: 0, quarantined: [{ code: 'invalid_event' }] })
  },
)

test('NUL and the highest code points are text', async () => {
  const { events } = await send('{"type":"t","data":{"a":"\\u0000\\u001f\\uffff\u{10ffff}"}}')
  expect(events[0]?.data).toEqual({ a: '\u0000\u001f\uffff\u{10ffff}' })
})

test('of fields with the same name the last one stands', async () => {
  const { events } = await send('{"type":"t","id":"1","id":"2","data":{"a":1,"a":2}}')
  expect(events).toMatchObject([{ id: '2', data: { a: 2 } }])
})

test('bytes that are no UTF-8 refuse the body', async () => {
  const { answer } = await send(new Uint8Array([0x5b, 0x22, 0xc3, 0x28, 0x22, 0x5d]))
  expect(answer).toMatchObject({ status: 400, body: { code: 'malformed_json' } })
})

test('64 MB in 64 KB of gzip are refused after 4 MB of them', async () => {
  const bomb = gzipSync(Buffer.alloc(2 ** 26))
  const started = performance.now()
  expect((await send(bomb)).answer).toMatchObject({ status: 413, body: { code: 'body_too_large' } })
  expect(performance.now() - started).toBeLessThan(2000)
})

test('ten thousand elements are looked at one by one, more are refused together', async () => {
  expect((await send(`[${Array(10_000).fill(0)}]`)).answer).toMatchObject({ status: 200, body: { accepted: 0 } })
  for (const body of [`[${Array(10_001).fill(0)}]`, Array(10_001).fill(0).join('\n'), `{"batch":[${Array(10_001).fill(0)}]}`])
    expect((await send(body, '/v1/batch')).answer).toMatchObject({ status: 413, body: { code: 'body_too_large' } })
})

test('a revoked key is refused within a minute, a new one is known within seconds, and no answer is no refusal', async () => {
  let now = 0
  let answer: () => Promise<unknown> = async () => ({})
  const keys = keyStore('keys', { send: () => answer() } as unknown as DynamoDBClient, () => now)
  expect(await keys.find('k')).toBeUndefined()
  const item = { name: { S: 'web' }, scope: { S: 'write' } }
  answer = async () => ({ Item: item })
  now += 5_001
  expect(await keys.find('k')).toEqual({ name: 'web', scope: 'write' })
  answer = async () => ({ Item: { ...item, revoked: { S: 'yes' } } })
  now += 55_000
  expect(await keys.find('k')).toBeUndefined()
  answer = () => Promise.reject(new Error('down'))
  now += 55_000
  await expect(keys.find('k')).rejects.toThrow('down')
})
