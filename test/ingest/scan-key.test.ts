import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { jest } from '@jest/globals'
import { keyInBody } from '../../lambdas/ingest/scan-key.ts'
import { MAX_KEYLESS_BYTES } from '../../shared/limits.ts'
import { ingestInMemory } from '../fakes/ingest.ts'
import { aKey } from '../fixtures/keys.ts'

const keyIn = (body: string) => keyInBody({ body, isBase64Encoded: false }, undefined)

test.each([
  ['at the top', '{"a":{"writeKey":"no"},"b":[{"writeKey":"no"}],"writeKey":"k"}'],
  ['in an element', '[{"a":"writeKey"},{"b":["writeKey","no"],"writeKey":"k"}]'],
  ['in a line', '{"a":1}\n{"writeKey":"k"}'],
  ['in a line after one that is cut', '{"a":{"b":"x\n{"writeKey":"k"}'],
  ['in a line after many that are cut', `${'{"a":[\n'.repeat(500)}{"writeKey":"k"}`],
  ['in an element of a batch', '{"context":{"writeKey":"no"},"batch":[{"x":{"writeKey":"no"}},{"writeKey":"k"}]}'],
  ['with escapes in its name', '{"b\\u0061tch":[{"write\\u004bey":"\\u006b"}]}'],
  ['after strings with quotes, brackets and backslashes', '{"a\\"{":"}\\\\","b":"\\"]}","writeKey":"k"}'],
  ['after an empty one', '[{"writeKey":""},{"writeKey":"k"}]'],
  ['after one that is no text', '[{"writeKey":7},{"writeKey":"k"}]'],
  ['after a byte order mark and white space', '\ufeff \t\r\n { "writeKey" \n:\n "k" }'],
  ['in a body that ends early', '{"writeKey":"k","a":[{'],
])('a key is found %s', (_, body) => expect(keyIn(body)).toBe('k'))

test.each([
  ['', '5', '"writeKey"', '"writeKey":"k"', '{"writeKey":"k', '["writeKey","k"]', '{"a":{"writeKey":"k"}}'],
  ['[[{"writeKey":"k"}]]', '{"other":[{"writeKey":"k"}]}', '{"batch":{"x":{"writeKey":"k"}}}', '{"batch":[[{"writeKey":"k"}]]}'],
])('where no dialect looks for a key, none is found', (...bodies) => {
  for (const body of bodies) expect(keyIn(body)).toMatchObject({ code: 'key_missing' })
})

test('a body without a key outside may have 512 KB, also after decompression', () => {
  const body = (bytes: number) => `${' '.repeat(bytes - '{"writeKey":"k"}'.length)}{"writeKey":"k"}`
  const packed = (text: string) => keyInBody({ body: gzipSync(text).toString('base64'), isBase64Encoded: true }, undefined)
  for (const read of [keyIn, packed]) {
    expect(read(body(MAX_KEYLESS_BYTES))).toBe('k')
    expect(read(body(MAX_KEYLESS_BYTES + 1))).toMatchObject({
      code: 'body_too_large',
      message: expect.stringContaining('512 KB'),
    })
    expect(read(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)},"writeKey":"k"}`)).toBe('k')
  }
})

test('nothing of a body is parsed before a key of the request is known to be good', async () => {
  const asked: string[] = []
  const find = async (key: string) => {
    asked.push(key)
    return key === 'good' ? aKey() : undefined
  }
  const { request, events } = ingestInMemory({ keys: { find } })
  // Parsed, each of these would be malformed, not without a key or with an unknown one.
  for (const [body, code] of [
    ['{"type":"signup"', 'key_missing'],
    ['{"writeKey":"bad","type":', 'key_unknown'],
    ['{"writeKey":"good","type":', 'malformed_json'],
  ] as const)
    expect((await request('/v1/events', { body })).body).toMatchObject({ code })
  expect(asked).toEqual(['bad', 'good'])
  expect(events).toEqual([])
})

test('a large body is accepted with a key in a header', async () => {
  const { request } = ingestInMemory()
  const body = `${' '.repeat(MAX_KEYLESS_BYTES)}[]`
  expect((await request('/v1/events', { headers: { 'x-write-key': 'good' }, body })).status).toBe(200)
  expect((await request('/v1/events', { query: { writeKey: 'good' }, body })).status).toBe(200)
  expect((await request('/v1/events', { body })).status).toBe(413)
})

test('another key in the same body is checked, too', async () => {
  const { request } = ingestInMemory()
  const twice = (first: string, second: string) =>
    request('/v1/events', { body: `{"writeKey":"${first}","writeKey":"${second}","type":"signup"}` })
  expect((await twice('good', 'bad')).body).toMatchObject({ code: 'key_unknown' })
  expect((await twice('good', 'reads')).body).toMatchObject({ code: 'key_scope' })
  const batch = await request('/v1/batch', { body: '{"batch":[{"writeKey":"good"},{"writeKey":"other"}]}' })
  expect(batch.body).toMatchObject({ code: 'key_conflict' })
})

test('without a key, nothing of a body is parsed but short strings', async () => {
  const MB = 2 ** 20
  const bodies = ['['.repeat(4 * MB), '[\n'.repeat(2 * MB), '{"a":'.repeat(MB / 2), '"'.repeat(MB / 2), '{\n'.repeat(MB / 4)]
  const { request } = ingestInMemory()
  const parse = jest.spyOn(JSON, 'parse')
  const statuses = []
  for (const body of bodies) {
    statuses.push((await request('/v1/batch', { body: gzipSync(body) })).status)
    // Without a turn of the event loop, no deadline of the test would be noticed.
    await delay(1)
  }
  const parsed = parse.mock.calls.map(([text]) => text)
  parse.mockRestore()
  expect(statuses).toEqual([413, 413, 413, 401, 401])
  const isResponse = (text: string) => text.startsWith('{"success":false,')
  expect(parsed.filter(text => !isResponse(text) && !/^".{0,64}"$/.test(text))).toEqual([])
})
