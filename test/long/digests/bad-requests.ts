import { gzipSync } from 'node:zlib'
import type { IngestRequest } from './inputs.ts'

const good = { authorization: 'Bearer good' }
const json = { ...good, 'content-type': 'application/json' }
const event = (more: object = {}): string =>
  JSON.stringify({ type: 'signup', id: 's-1', subject: 'anna', data: { a: 1 }, ...more })
const events = (count: number, data: string): string =>
  Array.from({ length: count }, (_, n) => `{"type":"t","id":"n${n}","data":${data}}`).join('\n')

/** Keys in every place that a client may put one: none, unknown, revoked, with another scope, and two different ones. */
const keys: readonly IngestRequest[] = [
  {},
  { authorization: 'Bearer nobody' },
  { authorization: 'Bearer gone' },
  { authorization: 'Bearer reads' },
  { authorization: 'Bearer all' },
  { authorization: 'Digest good' },
  { authorization: 'Basic Z29vZDo=' },
  { authorization: 'bearer good', 'x-write-key': 'good' },
  { authorization: 'Bearer good', 'x-write-key': 'other' },
  { 'x-write-key': 'good' },
].flatMap((headers): IngestRequest[] => [
  { path: '/v1/events', headers, body: event() },
  { path: '/v1/events', headers, query: { writeKey: 'other' }, body: event() },
  { path: '/v1/events', headers, body: event({ writeKey: 'good', sentAt: '2020-01-01T00:00:00Z' }) },
  { path: '/v1/batch', headers, body: `{"writeKey":"good","batch":[{"type":"page","userId":"u","writeKey":"other"}]}` },
])

const routes: readonly IngestRequest[] = [
  '/v1/events',
  '/v1/events/page_visit',
  '/v1/m',
  '/nowhere',
  '/',
  '/v1/events/a/b',
].flatMap((path): IngestRequest[] =>
  ['OPTIONS', 'GET', 'PUT', 'DELETE', 'POST'].map(method => ({ method, path, headers: { ...good, origin: 'https://a.b' } })),
)

const settings: readonly IngestRequest[] = [
  { method: 'GET', path: '/v1/projects/good/settings', headers: { host: 'h.example', 'x-forwarded-proto': 'https' } },
  { method: 'GET', path: '/v1/projects/%2F/settings' },
  { method: 'GET', path: '/sourceConfig', query: { writeKey: 'good' } },
  { method: 'GET', path: '/sourceConfig/' },
  { method: 'OPTIONS', path: '/v1/events', headers: { 'webhook-request-origin': 'eventemitter.example.com' } },
]

const bodies: readonly (string | Uint8Array)[] = [
  '',
  ' \n\n ',
  '[]',
  '{}',
  '{"batch":[]}',
  '{"batch":{}}',
  'null',
  '7',
  '"x"',
  '{bad',
  `${event()}\n{bad\n${event({ id: 's-2' })}\n7\n[1]\n\n${event({ id: 's-3' })}`,
  `[${event()},null,7,"x",[],${event({ type: '' })},${event({ type: 'x'.repeat(129) })},${event({ type: 'millrace.erasure' })}]`,
  `[${[{ id: '' }, { id: 7 }, { id: null }, { subject: [] }, { subject: '😀'.repeat(128) }, { source: 'é'.repeat(257) }].map(event)}]`,
  `[${[
    '',
    'now',
    7,
    null,
    '2026-02-30T00:00:00Z',
    '0000-01-01T00:00:00Z',
    '9999-12-31T23:59:59.9999999+14:00',
    '1969-12-31T23:59:60Z',
  ].map((time, n) => event({ id: `t${n}`, time }))}]`,
  `[${['\\ud800', '__proto__', 'a\\u0000b', '\\ude00x'].map((text, n) => `{"type":"h","id":"h${n}${text}","data":{"${text}":"${text}"}}`)}]`,
  '{"type":"h","id":"n","data":{"n":1e999,"m":12345678901234567890}}',
  `{"type":"h","id":"deep","data":${'['.repeat(40)}${']'.repeat(40)}}`,
  `{"type":"h","id":"wide","data":{${Array.from({ length: 2001 }, (_, n) => `"k${n}":0`)}}}`,
  '{"type":"h","id":"twice","id":"last","__proto__":{"type":"x"},"constructor":1,"data":{"__proto__":{"a":1}}}',
  event({ data: 'x'.repeat(33_000) }),
  events(2503, '1'),
  `[${'0,'.repeat(10_001)}0]`,
  ' '.repeat(4 * 2 ** 20 + 1),
  gzipSync(event()),
  gzipSync(' '.repeat(4 * 2 ** 20 + 1)),
  gzipSync(event()).subarray(0, 30),
  '\u001f\ufffd\u0008',
  Buffer.from([0x7b, 0xff, 0x7d]),
  Buffer.from(`\ufeff${event()}`),
  Buffer.from(event()),
]

const cloudEvent = (more: object): string =>
  JSON.stringify({ specversion: '1.0', id: 'c1', source: '/s', type: 't', ext: 'e', data: { a: 1 }, ...more })
const claims = [
  'application/cloudevents+json',
  'application/cloudevents-batch+json',
  'application/cloudevents+avro',
  'text/plain',
]
const cloudEvents: readonly IngestRequest[] = claims.flatMap(type =>
  [
    {},
    { id: '' },
    { specversion: '0.3' },
    { time: 'soon' },
    { data_base64: 'eyJhIjoxfQ==' },
    { data: null, data_base64: 'eyJhIjoxfQ==' },
    { data: undefined, data_base64: '/w==', datacontenttype: 'image/png' },
    { data: undefined, data_base64: '*' },
    { data: [1], subject: 'u', datacontenttype: 'text/plain', writeKey: 'good' },
  ].map((more): IngestRequest => ({ path: '/v1/events', headers: { ...good, 'content-type': type }, body: cloudEvent(more) })),
)
const binary: readonly IngestRequest[] = ['application/json', 'text/plain', 'image/png', ''].flatMap(type =>
  ['{"a":1}', '{bad', '', 'plain', Buffer.from([255, 0, 1])].map((body, n): IngestRequest => {
    const ce = { 'ce-specversion': '"1.0"', 'ce-id': `b${n}`, 'ce-source': '/s', 'ce-type': 'bin', 'ce-x': '%E2%82%AC%ff' }
    return { path: '/v1/events', headers: { ...good, ...ce, ...(type && { 'content-type': type }) }, body }
  }),
)

/** Invalid requests of every kind, and valid ones that are nearly invalid. */
export const badRequests = (): IngestRequest[] => [
  ...keys,
  ...routes,
  ...settings,
  ...['/v1/events', '/v1/events/page_visit', '/v1/batch', '/v1/t', '/v1/m', '/v1/events/nothing', '/v1/events/__proto__'].flatMap(
    path => bodies.map((body): IngestRequest => ({ path, headers: json, body })),
  ),
  ...['application/x-ndjson', 'application/jsonl', 'text/csv'].map(
    (type): IngestRequest => ({ path: '/v1/events', headers: { ...good, 'content-type': type }, body: '{bad' }),
  ),
  ...cloudEvents,
  ...binary,
]
