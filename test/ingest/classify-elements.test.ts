import { gzipSync } from 'node:zlib'
import { bodyReader, splitElements } from '../../lambdas/ingest/body.ts'
import { bodyBytes, type EncodedBody } from '../../lambdas/ingest/body-bytes.ts'
import { classifyElements } from '../../lambdas/ingest/classify-elements.ts'
import { notStored, packRecords, planCalls, planRounds } from '../../lambdas/ingest/plan-records.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import type { Dialect } from '../../shared/dialect.ts'
import { native } from '../../shared/dialects/native.ts'
import { rows } from '../../shared/dialects/rows.ts'
import { LINES_CONTENT_TYPE } from '../../shared/json.ts'
import {
  MAX_BODY_BYTES,
  MAX_EVENT_BYTES,
  MAX_NAME_CHARACTERS,
  MAX_RECORD_BYTES,
  MAX_SOURCE_CHARACTERS,
} from '../../shared/limits.ts'
import { aVisit } from '../fixtures/builders.ts'
import { aSender } from '../fixtures/keys.ts'

const catalogue = new Map(eventTypes.map(type => [type.name, type]))
const bodyText = (request: EncodedBody) => {
  const bytes = bodyBytes(request)
  return 'code' in bytes ? bytes : bytes.toString()
}
const values = (text: string, type?: string) => {
  const body = splitElements({ text, isUtf8: true }, type)
  return Array.isArray(body) ? body.map(({ value }) => value) : body
}

test('a body is one object, an array, or lines', () => {
  expect(values('{"a":1}')).toEqual([{ a: 1 }])
  expect(values(' [1, {"a":2}] ')).toEqual([1, { a: 2 }])
  expect(values('[]')).toEqual([])
  expect(values('{"a":1}\r\n\n  {"a":2}\n{bad\n')).toEqual([{ a: 1 }, { a: 2 }, undefined])
  expect(values('{"a":1', 'application/x-ndjson')).toEqual([undefined])
})

test('consecutive objects of several lines are elements; with any other text every line is one', () => {
  const text = '{\n "a": 1\n}\n\n{"b":\n{"c":"}\\""}}\r\n{"d":4}'
  expect(values(text)).toEqual([{ a: 1 }, { b: { c: '}"' } }, { d: 4 }])
  expect(splitElements({ text, isUtf8: true }, undefined)).toMatchObject([
    { index: 0, text: '{\n "a": 1\n}' },
    { index: 1 },
    { index: 2 },
  ])
  expect(values('{"a":\n1}\n{"b":2}{"c":3}')).toEqual([undefined, undefined, undefined])
  expect(values('{"a":1}\nnope\n{"b":\n2}')).toEqual([{ a: 1 }, undefined, undefined, undefined])
})

test('a body marked as lines has one element per line, even if all lines together are a value', () => {
  expect(values('{"a":\n1}', LINES_CONTENT_TYPE)).toEqual([undefined, undefined])
  expect(values('[{"a":1}]', LINES_CONTENT_TYPE)).toEqual([[{ a: 1 }]])
  expect(values('{"a":\n1}', 'application/x-ndjson')).toEqual([{ a: 1 }])
})

test('around a line only white space of JSON and byte order marks are dropped', () => {
  expect(splitElements({ text: '\ufeff{"a":1}\n \t{"b":2}\r\n\u00a0\n\u000b', isUtf8: true }, undefined)).toMatchObject([
    { text: '{"a":1}' },
    { text: '{"b":2}' },
    { text: '\u00a0' },
    { text: '\u000b' },
  ])
})

test.each(['', ' \n ', '{"a":NaN}', "{'a':1}", '[1,]', '{"a":1}{"b":2}', '5', '"text"', '{"a":"\u0001"}'])(
  'malformed: %j',
  text => {
    expect(splitElements({ text, isUtf8: true }, 'application/json')).toMatchObject({ code: 'malformed_json' })
  },
)

test('a body may be plain, gzipped or base64; gzip is detected from the bytes', () => {
  const gzip = gzipSync('{"ü":1}')
  expect(bodyText({ body: '{"ü":1}', isBase64Encoded: false })).toBe('{"ü":1}')
  expect(bodyText({ body: Buffer.from('{"ü":1}').toString('base64'), isBase64Encoded: true })).toBe('{"ü":1}')
  expect(bodyText({ body: gzip.toString('base64'), isBase64Encoded: true })).toBe('{"ü":1}')
})

test('gzip that the gateway decoded as text gets a 503, because the client still has the original', () => {
  expect(bodyText({ body: gzipSync('{}').toString('utf8'), isBase64Encoded: false })).toMatchObject({ code: 'unavailable' })
})

test('a body of 4 MB is accepted, one byte more is rejected, plain or gzipped', () => {
  const body = ' '.repeat(MAX_BODY_BYTES)
  expect(bodyText({ body, isBase64Encoded: false })).toHaveLength(MAX_BODY_BYTES)
  expect(bodyText({ body: `${body} `, isBase64Encoded: false })).toMatchObject({ code: 'body_too_large' })
  expect(bodyText({ body: gzipSync(`${body} `).toString('base64'), isBase64Encoded: true })).toMatchObject({
    code: 'body_too_large',
  })
})

const arrival = { eventTypes: catalogue, sender: aSender(), received: 5, defaultId: () => 'made-up' }
const classify = (text: string, dialect: Dialect = native, type = '') => {
  const body = bodyReader({ body: text, isBase64Encoded: false }, {})
  const request = { route: '', parameters: { type }, headers: {}, body, eventTypes: catalogue }
  const read = dialect.read(request)
  if ('code' in read) throw new Error(read.code)
  const decoded = dialect.decode(read, request, arrival.sender.name)
  if ('code' in decoded) throw new Error(decoded.code)
  return classifyElements(decoded, arrival)
}

test('only the bad elements are quarantined, each with its index and content', () => {
  const { events, quarantined } = classify('{"type":"a","id":"1"}\n5\n{bad\n{"type":"b","id":7}\n{"type":"c","id":"4"}')
  expect(events.map(({ id }) => id)).toEqual(['1', '4'])
  expect(quarantined).toMatchObject([
    { index: 1, event: { code: 'invalid_event', body: '5', form: 'text', id: null } },
    { index: 2, event: { code: 'malformed_json', body: '{bad', form: 'text' } },
    {
      index: 3,
      event: { code: 'invalid_event', body: '{"type":"b","id":7}', form: 'envelope', type: 'b', keyName: 'web', received: 5 },
    },
  ])
})

test('a quarantined row keeps its id', () => {
  const { quarantined } = classify('[{"Id":"x","event_id":"v9"}]', rows, 'page_visit')
  expect(quarantined).toMatchObject([
    { event: { type: 'page_visit', id: 'v9', body: '{"type":"page_visit","data":{"Id":"x","event_id":"v9"}}' } },
  ])
})

test('the limit of 32 KB applies to the data as it is stored: whitespace, escapes and the id do not count', () => {
  const event = (bytes: number) => `{"type":"a", "id":"${'i'.repeat(128)}", "data":"${'\\u0041'.repeat(bytes - 2)}"}`
  const { events, quarantined } = classify(`[ ${event(32 * 1024)} ,\n ${event(32 * 1024 + 1)} ]`)
  expect(events).toHaveLength(1)
  expect(quarantined).toMatchObject([{ index: 1, event: { code: 'event_too_large' } }])
})

test('the id of an event does not count for its size, in a row and in an envelope', () => {
  const padded = (start: string, bytes: number) => `${start}"${'x'.repeat(bytes - start.length - 3)}"}`
  const withMember = (text: string, member: string) => `${text.slice(0, -1)},${member}}`
  const row = padded('{"Id":1,"Url":"/a","Timestamp":1,"x":', 32 * 1024)
  const envelope = padded('{"type":"a","data":', 32 * 1024)
  expect(classify(withMember(row, '"event_id":"0123456789abcdef"'), rows, 'page_visit').events).toHaveLength(1)
  expect(classify(withMember(envelope, '"id":"0123456789abcdef"')).events).toHaveLength(1)
  const larger = classify(withMember(row, `"b":"${'x'.repeat(200)}"`), rows, 'page_visit')
  expect(larger.quarantined).toMatchObject([{ event: { code: 'event_too_large' } }])
})

test('the context of a batch is measured in bytes, as the limit of the body', () => {
  const body = (character: string) =>
    JSON.stringify({ batch: [{ type: 'track' }], context: { pad: character.repeat(1_390_000) } })
  const read = (text: string) => bodyReader({ body: text, isBase64Encoded: false }, {}).batch()
  expect(read(body('x'))).toMatchObject({ elements: [{ index: 0 }] })
  expect(read(body('ü'))).toMatchObject({ code: 'body_too_large' })
})

test('events after the first 2,500 are quarantined', () => {
  const { events, quarantined } = classify(JSON.stringify(Array.from({ length: 2502 }, (_, i) => ({ type: 'a', id: String(i) }))))
  expect(events).toHaveLength(2500)
  expect(quarantined.map(({ index, event: { code } }) => [index, code])).toEqual([
    [2500, 'too_many_events'],
    [2501, 'too_many_events'],
  ])
})

test('a record has at most 500 events of one user, in order', () => {
  const events = Array.from({ length: 1202 }, (_, i) => aVisit('/a', i, { id: String(i), subject: i % 2 ? '1' : '2' }))
  const records = packRecords(events, catalogue)
  expect(records.map(({ partitionKey, data }) => [partitionKey, data.split('\n').length - 1])).toEqual([
    ['2', 500],
    ['2', 101],
    ['1', 500],
    ['1', 101],
  ])
  expect(records.every(({ data, bytes }) => Buffer.byteLength(data) === bytes)).toBe(true)
})

test('the line of the largest event fits into a record, whatever its texts contain', () => {
  const longest = (characters: number, text: string): string => text.repeat(characters)
  const worst = ['"', '\\', '\u0001', '\u{10ffff}', 'é']
  const names = worst.map(text => ({ id: longest(MAX_NAME_CHARACTERS, text), source: longest(MAX_SOURCE_CHARACTERS, text) }))
  for (const [n, text] of worst.entries()) {
    const bytes = Buffer.byteLength(JSON.stringify(text)) - 2
    const pad = longest(Math.floor((MAX_EVENT_BYTES - 60) / bytes), text)
    const open = {
      ...names[n],
      type: longest(MAX_NAME_CHARACTERS, text),
      subject: longest(MAX_NAME_CHARACTERS, text),
      data: { pad },
    }
    const row = { ...names[n], type: 'page_visit', data: { Id: 1, Url: '/', Timestamp: 1, pad } }
    const { events, quarantined } = classify(JSON.stringify([open, row]))
    expect(quarantined.map(({ event }) => event.code)).toEqual([])
    for (const { bytes } of packRecords(events, catalogue)) expect(bytes).toBeLessThan(MAX_RECORD_BYTES / 2)
  }
})

test('an event without a user is not in the record of a user that equals its id', () => {
  const events = [aVisit('/a', 1, { id: '7', subject: null, type: 'note' }), aVisit('/b', 2, { id: 'v1', subject: '7' })]
  const records = packRecords(events, catalogue)
  expect(records.map(({ partitionKey, data }) => [partitionKey, data.split('\n').length - 1])).toEqual([
    ['7', 1],
    ['7', 1],
  ])
  expect(planRounds(records)).toHaveLength(2)
})

test("a user's second record is in a later round than the first", () => {
  const records = packRecords(
    Array.from({ length: 1001 }, (_, i) => aVisit('/a', i, { id: String(i), subject: i < 501 ? '1' : String(i) })),
    catalogue,
  )
  expect(planRounds(records).map(round => round.length)).toEqual([501, 1])
  expect(planCalls(planRounds(records)[0] ?? []).map(call => call.length)).toEqual([500, 1])
})

test('only records that were not stored are put again', () => {
  const call = packRecords([aVisit('/a', 1, { subject: '1' }), aVisit('/b', 1, { subject: '2' })], catalogue)
  expect(notStored(call, [{}, { ErrorCode: 'ProvisionedThroughputExceededException' }])).toEqual([call[1]])
  expect(notStored(call, [])).toEqual(call)
})

test('the response has a receipt for each interaction, null for a quarantined one', () => {
  const body = '[{"eventType":"pageview","eventValue":"homepage"},{"eventType":5}]'
  expect(classify(body, rows, 'interaction').receipts).toEqual([['pageview', 'homepage', 'h'], null])
  expect(classify('[{"eventType":5}]', rows, 'interaction').receipts).toEqual([null])
  expect(classify('{"type":"signup"}').receipts).toBeUndefined()
})
