import { setTimeout as delay } from 'node:timers/promises'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { jest } from '@jest/globals'
import { MAX_DEPTH, MAX_FIELDS, MAX_PARSED_DEPTH } from '../../shared/limits.ts'
import { ingestInMemory, withKey } from '../fakes/ingest.ts'

const send = async (body: string | Uint8Array, path = '/v1/events') => {
  const memory = ingestInMemory()
  return { ...memory, response: await memory.request(path, { headers: withKey, body }) }
}
const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
const wide = (fields: number) => `{${Array.from({ length: fields }, (_, i) => `"f${i}":0`)}}`

test(`events may be nested ${MAX_DEPTH} levels deep and have ${MAX_FIELDS} fields`, async () => {
  const bodies = [nested(MAX_DEPTH - 1), nested(MAX_DEPTH), wide(MAX_FIELDS - 2), wide(MAX_FIELDS - 1)].map(
    data => `{"type":"t","data":${data}}`,
  )
  const { response, events } = await send(`[${bodies}]`)
  expect(events).toHaveLength(2)
  expect(response.body.quarantined.map(({ index }: { index: number }) => index)).toEqual([1, 3])
})

test.each(['/v1/events', '/v1/events/interaction', '/v1/batch', '/v1/track'])(
  'two million levels of nesting at %s are quarantined unchanged',
  async path => {
    const deep = `${'['.repeat(2e6)}${']'.repeat(2e6)}`
    expect((await send(`[${deep.slice(1, -1)}]`, path)).response).toMatchObject({ status: 200, body: { accepted: 0 } })
    const wrapped = `{"type":"page","userId":"u","data":${'['.repeat(9000)}${']'.repeat(9000)}}`
    const { response, quarantined } = await send(wrapped, path)
    expect(response).toMatchObject({ status: 200, body: { accepted: 0, quarantined: [{ code: 'invalid_event' }] } })
    expect(quarantined[0]?.body).toBe(wrapped)
  },
)

const good = Array.from({ length: 100 }, (_, n) => `{"type":"signup","id":"g${n}"}`)
/** How deep a text without brackets in strings is nested. */
function depthOf(text: string): number {
  let [depth, most] = [0, 0]
  for (const character of text)
    if (character === '[' || character === '{') most = Math.max(most, ++depth)
    else if (character === ']' || character === '}') depth--
  return most
}
const brackets = (bytes: number) => `${'['.repeat(bytes / 2)}${']'.repeat(bytes / 2)}`

test.each([
  ['an array with closed brackets', `[${good},${brackets(4_100_000)}]`],
  ['an array with an event of closed brackets', `[${good},{"type":"t","data":${brackets(4_100_000)}}]`],
  ['lines with closed brackets', [...good, brackets(4_100_000)].join('\n')],
  ['lines with open brackets', [...good, '['.repeat(4_100_000)].join('\n')],
  ['lines with open objects', [...good, '{"a":'.repeat(820_000)].join('\n')],
  ['an array with two million numbers', `[${good},{"type":"t","data":[0${',0'.repeat(2_000_000)}]}]`],
])('of %s the good events are accepted, and nothing deep is parsed', async (_, body) => {
  const parse = jest.spyOn(JSON, 'parse')
  const { response } = await send(body)
  // Without a turn of the event loop, no deadline of the test would be noticed.
  await delay(1)
  const depths = parse.mock.calls.map(([text]) => depthOf(text))
  parse.mockRestore()
  expect(response.body).toMatchObject({ accepted: 100, quarantined: [{ index: 100 }] })
  expect(Math.max(...depths)).toBeLessThanOrEqual(MAX_PARSED_DEPTH)
})

test('names with a meaning in JavaScript, such as __proto__, are ordinary fields', async () => {
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
  ['a negative number beyond a double, in an array', '{"type":"t","id":"1","data":[[-1e999]]}'],
])('%s is quarantined unchanged', async (_, body) => {
  const { response, events, quarantined } = await send(body)
  expect(response.body).toMatchObject({ accepted: 0, quarantined: [{ index: 0, id: '1', code: 'invalid_event' }] })
  expect(quarantined).toMatchObject([{ form: 'text', body }])
  expect(events).toEqual([])
})

test('half a surrogate pair in an id is replaced, so that every store accepts the id', async () => {
  const { quarantined } = await send(`[{"type":"\\ud800","id":"\\ud800"},{"type":"t","id":"${'a'.repeat(127)}😀😀"}]`)
  expect(quarantined.map(({ id, type }) => [id, type])).toEqual([
    ['\ufffd', '\ufffd'],
    [`${'a'.repeat(127)}\ufffd`, 't'],
  ])
})

test.each(['{"toString":1}', '[{"__proto__":null}]', `${'['.repeat(9000)}${']'.repeat(9000)}`])(
  'a type, id or time of another JSON type is quarantined: %.20s',
  async value => {
    for (const body of [`{"type":${value}}`, `{"type":"t","id":${value}}`, `{"type":"t","time":${value}}`])
      expect((await send(body)).response.body).toMatchObject({ accepted: 0, quarantined: [{ code: 'invalid_event' }] })
  },
)

test('NUL and the highest code points are accepted', async () => {
  const { events } = await send('{"type":"t","data":{"a":"\\u0000\\u001f\\uffff\u{10ffff}"}}')
  expect(events[0]?.data).toEqual({ a: '\u0000\u001f\uffff\u{10ffff}' })
})

test('the last of several fields with the same name wins', async () => {
  const { events } = await send('{"type":"t","id":"1","id":"2","data":{"a":1,"a":2}}')
  expect(events).toMatchObject([{ id: '2', data: { a: 2 } }])
})

/** Bytes: one for each character of the text. */
const bytes = (text: string) => Buffer.from(text, 'latin1')
const stored = (events: readonly { readonly body: string }[]) =>
  events.map(({ body }) => Buffer.from(body, 'base64').toString('latin1'))

describe('an element that is not UTF-8 is quarantined alone, with its bytes', () => {
  const NOT_UTF8 = 'The event is not valid UTF-8: byte 0xE9 at offset 21. Encode it as UTF-8.'
  const call = (id: string, text: string) => `{"type":"page","messageId":"${id}","userId":"u","properties":{"ua":"${text}"}}`
  const envelope = (id: string, text: string) => `{"type":"a","id":"${id}","data":"${text}"}`
  /** "ü" and "à" in UTF-8; the second byte of "à" is a space in Latin-1. */
  const [u, a] = ['\xc3\xbc', '\xc3\xa0']

  test('of NDJSON', async () => {
    const rows = ['/p1', `/${u}`, '/caf\xe9', `/${a}`].map((url, i) => `{"Id":${711 + i},"Url":"${url}","Timestamp":1700000001}`)
    const { response, events, quarantined } = await send(bytes(rows.join('\n')), '/v1/events/page_visit')
    expect(response).toMatchObject({ status: 200, body: { accepted: 3 } })
    expect(events.map(({ data }) => (data as { Url: string }).Url)).toEqual(['/p1', '/ü', '/à'])
    expect(response.body.quarantined).toEqual([{ index: 2, id: null, code: 'malformed_json', message: NOT_UTF8 }])
    expect(quarantined).toMatchObject([{ form: 'base64', type: 'page_visit' }])
    expect(stored(quarantined)).toEqual([rows[2]])
  })

  test.each([
    ['an array', '/v1/events', (one: string, two: string) => `\xef\xbb\xbf[ ${one} ,\n${two} ]`, envelope],
    ['a batch of an SDK', '/v1/batch', (one: string, two: string) => `{"sentAt":"${u}","batch":[${one},${two}]}`, call],
    ['a JSON text sequence', '/v1/events', (one: string, two: string) => `\x1e${one}\n\x1e${two}\n`, envelope],
  ])('of %s', async (_, path, bodyOf, elementOf) => {
    const { response, events, quarantined } = await send(bytes(bodyOf(elementOf('1', u), elementOf('2', '\xfa'))), path)
    expect(response.body).toMatchObject({ accepted: 1, quarantined: [{ index: 1, id: '2', code: 'malformed_json' }] })
    expect(JSON.stringify(events[0]?.data)).toContain('ü')
    expect(stored(quarantined)).toEqual([elementOf('2', '\xfa')])
  })

  test('of a single object', async () => {
    const { response, quarantined } = await send(bytes(call('1', '\xfa')), '/v1/track')
    expect(response.body).toMatchObject({ accepted: 0, quarantined: [{ index: 0, id: '1' }] })
    expect(stored(quarantined)).toEqual([call('1', '\xfa')])
  })

  test('and without its key, which is read although its event is not', async () => {
    const { request, events, quarantined } = ingestInMemory()
    const body = bytes(`[{"type":"a","writeKey":"good"},{"type":"a","id":"\xfa","writeKey":"good"}]`)
    expect(await request('/v1/events', { body })).toMatchObject({ status: 200, body: { accepted: 1 } })
    expect(events).toHaveLength(1)
    expect(stored(quarantined)).toEqual(['{"type":"a","id":"\xfa","writeKey":""}'])
  })

  test('with all others of its batch if it is the context that they share', async () => {
    const batch = `{"context":{"ua":"\xfa"},"batch":[${call('1', u)},${call('2', '\xfa')}]}`
    const { response, quarantined } = await send(bytes(batch), '/v1/batch')
    expect(response.body).toMatchObject({
      accepted: 0,
      quarantined: [
        { index: 0, id: '1' },
        { index: 1, id: '2' },
      ],
    })
    expect(response.body.quarantined[0].message).toMatch(/^The context of the batch /)
    expect(stored(quarantined)).toEqual([call('1', u), call('2', '\xfa')])
  })
})

test.each([
  ['with a byte order mark', '\ufeff{"type":"a"}', 'utf16le'],
  ['without a byte order mark', '{"type":"a"}\n{"type":"b"}', 'utf16le'],
] as const)('a body in UTF-16 %s is rejected by name', async (_, text, encoding) => {
  const { response } = await send(Buffer.from(text, encoding))
  expect(response).toMatchObject({ status: 400, body: { code: 'malformed_json', message: expect.stringContaining('UTF-16') } })
})

test.each([
  ['br', brotliCompressSync],
  ['deflate', deflateSync],
  ['zstd', zstdCompressSync],
  ['deflate', deflateRawSync],
] as const)('a body compressed with %s is rejected with the name of its compression', async (name, compress) => {
  const body = compress(Buffer.from(`[${Array(50).fill('{"type":"a"}')}]`))
  const { request } = ingestInMemory()
  const response = await request('/v1/events', { headers: { ...withKey, 'content-encoding': name }, body })
  expect(response).toMatchObject({ status: 415, body: { code: 'unsupported_format' } })
  expect(response.body.message).toContain(`compressed with ${name}, and only gzip`)
})

test('zstd and zlib are recognised without a header, and a wrong header does not matter', async () => {
  for (const compress of [deflateSync, zstdCompressSync])
    expect((await send(compress(Buffer.from('{"type":"ü"}')))).response.status).toBe(415)
  for (const body of ['{"type":"a"}', gzipSync('{"type":"a"}')]) {
    const response = await ingestInMemory().request('/v1/events', { headers: { ...withKey, 'content-encoding': 'br' }, body })
    expect(response).toMatchObject({ status: 200, body: { accepted: 1 } })
  }
})

test('a JSON text sequence may have texts of several lines', async () => {
  const { events } = await send('\u001e{"type":"a",\n"id":"1"}\n\u001e{"type":"a","id":"2"}\n')
  expect(events.map(({ id }) => id)).toEqual(['1', '2'])
})

test('a gzip bomb (64 MB in 64 KB) is rejected after 4 MB are decompressed', async () => {
  const bomb = gzipSync(Buffer.alloc(2 ** 26))
  // What is missing would be noticed by whoever decompresses all of it.
  const torn = bomb.subarray(0, bomb.length / 2)
  for (const body of [bomb, torn])
    expect((await send(body)).response).toMatchObject({ status: 413, body: { code: 'body_too_large' } })
  expect((await send(gzipSync('[]').subarray(0, -4))).response).toMatchObject({ status: 400 })
})

test.each([
  ['one object', (text: string) => text],
  ['lines', (text: string) => `${text}\n${text}`],
  ['a line that is not UTF-8', (text: string) => `${text}\n{"type":"\xfa"}`],
])('the time for long white space inside %s is not quadratic', async (_, bodyOf) => {
  const body = bodyOf(`{"type":"a","id":"1","data":"from${' '.repeat(30_000)}to"}`)
  const started = performance.now()
  const { response } = await send(bytes(body))
  expect(response).toMatchObject({ status: 200 })
  expect(response.body.accepted).toBeGreaterThan(0)
  expect(performance.now() - started).toBeLessThan(1000)
})

test('up to ten thousand elements are judged one by one; a larger body is rejected as a whole', async () => {
  expect((await send(`[${Array(10_000).fill(0)}]`)).response).toMatchObject({ status: 200, body: { accepted: 0 } })
  for (const body of [`[${Array(10_001).fill(0)}]`, Array(10_001).fill(0).join('\n'), `{"batch":[${Array(10_001).fill(0)}]}`])
    expect((await send(body, '/v1/batch')).response).toMatchObject({ status: 413, body: { code: 'body_too_large' } })
})
