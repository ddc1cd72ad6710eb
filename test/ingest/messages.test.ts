import { rejections } from '../../shared/rejections.ts'
import { ingestInMemory, withKey } from '../fakes/ingest.ts'

/** The message of the response, or of the first quarantined event. */
async function messageOf(path: string, body: string, headers: Record<string, string> = {}): Promise<string> {
  const { body: response } = await ingestInMemory().request(path, { headers: { ...withKey, ...headers }, body })
  const { code, message } = response.quarantined?.[0] ?? response
  return `${code}: ${message}`
}

const FORMS = 'Send a JSON object, an array of objects, or one object per line (NDJSON).'

test.each([
  ['', `The body is empty. ${FORMS}`],
  [' \n ', `The body is empty. ${FORMS}`],
  ['{"type":NaN}', `The body is not valid JSON at line 1, column 9: a value is expected. ${FORMS}`],
  ['\n\n {"a":1,}', `The body is not valid JSON at line 3, column 9: a name in double quotes is expected. ${FORMS}`],
  ['{"a":1}{"b":2}', `The body is not valid JSON at line 1, column 8: only white space is allowed after the value. ${FORMS}`],
  ['5', `The body is a number. ${FORMS}`],
  ['null', `The body is null. ${FORMS}`],
])('the body %j', async (body, message) => {
  for (const path of ['/v1/events', '/v1/events/page_visit', '/v1/batch', '/v1/track'])
    expect(await messageOf(path, body)).toBe(`malformed_json: ${message}`)
})

test.each([
  ['{"type":"t"', 'line 1, column 12: the text ends before the value does'],
  ['  {type}', 'line 1, column 2: a name in double quotes is expected'],
  ['{"a":"\u001b[2J"}', 'line 1, column 7: a control character in a string must be escaped'],
])('the line %j of NDJSON', async (line, problem) => {
  for (const path of ['/v1/events', '/v1/events/page_visit', '/v1/batch'])
    expect(await messageOf(path, line, { 'content-type': 'application/x-ndjson' })).toBe(
      `malformed_json: The event is not valid JSON at ${problem}.`,
    )
})

test.each([
  ['[5]', 'An event must be a JSON object, not a number.'],
  ['["a"]', 'An event must be a JSON object, not a string.'],
  ['[null]', 'An event must be a JSON object, not null.'],
  ['[[]]', 'An event must be a JSON object, not an array.'],
  [
    `{"type":"t","data":${'['.repeat(40)}${']'.repeat(40)}}`,
    'The event is nested more than 32 levels deep at data[0][0][0][0]….',
  ],
  ['{"type":"t","data":1e999}', 'A number at data does not fit into a double (64-bit floating point); send it as a string.'],
  [
    '{"type":"t","data":{"a b":[1,{"x":1e999}]}}',
    'A number at data.?[1].x does not fit into a double (64-bit floating point); send it as a string.',
  ],
  [
    '{"type":"t","data":{"list":[{"\\ud800":1}]}}',
    'A field name at data.list[0] contains half of a surrogate pair, which is not valid Unicode; check whether it was cut inside a character.',
  ],
  [
    '{"type":"t","data":"\\ud800"}',
    'A string at data contains half of a surrogate pair, which is not valid Unicode; check whether it was cut inside a character.',
  ],
  [`{"type":"t","data":{${Array.from({ length: 2000 }, (_, i) => `"${i}":0`)}}}`, 'The event has more than 2000 fields.'],
])('the element %.40j', async (body, message) => {
  expect(await messageOf('/v1/events', body)).toBe(`invalid_event: ${message}`)
})

const TYPES = 'track, page, identify, screen, group, alias'

test.each([
  [{ type: 'walk', userId: 'u' }, `type must be one of ${TYPES}.`],
  [{ type: 'page' }, 'An event needs a userId or an anonymousId.'],
  [{ type: 'page', UserID: 'u' }, 'An event needs a userId or an anonymousId; there is UserID, but names are case-sensitive.'],
  [
    { type: 'page', anonymousID: 'u' },
    'An event needs a userId or an anonymousId; there is anonymousID, but names are case-sensitive.',
  ],
  [{ type: 'page', userId: 1.5 }, 'userId must be a string or an integer in plain digits; send it as text.'],
  [{ type: 'track', userId: 'u' }, 'event is missing; it must be a string, the name of the event.'],
  [{ type: 'track', userId: 'u', Event: 'e' }, 'event is missing, but there is Event; names are case-sensitive.'],
  [{ type: 'track', userId: 'u', event: 5 }, 'event must be a string, the name of the event, not a number.'],
  [{ type: 'track', userId: 'u', event: '' }, 'event must be a string, the name of the event, not empty.'],
])('the call %j', async (call, message) => {
  expect(await messageOf('/v1/batch', JSON.stringify({ batch: [call] }))).toBe(`invalid_event: ${message}`)
})

const event = { specversion: '1.0', id: '1', source: 's', type: 't' }

test.each([
  [{ ...event, id: undefined }, 'id is missing; it must be a non-empty string.'],
  [{ ...event, id: undefined, ID: '1' }, 'id is missing, but there is ID; names are case-sensitive.'],
  [{ ...event, id: 5 }, 'id must be a non-empty string, not a number.'],
  [{ ...event, source: '' }, 'source must be a non-empty string.'],
  [{ ...event, specversion: '0.3' }, 'specversion must be "1.0".'],
  [{ ...event, subject: 5 }, 'subject must be a non-empty string, not a number.'],
  [{ ...event, dataschema: '' }, 'dataschema must be a non-empty string.'],
  [{ ...event, time: 'noon' }, 'time must have the form of RFC 3339, such as 2026-01-31T12:00:00Z.'],
  [{ ...event, time: '2026-02-30T00:00:00Z' }, 'time must be an existing time.'],
  [{ ...event, data: 1, data_base64: 'AA==' }, 'the event must not have both data and data_base64.'],
  [{ ...event, data_base64: '?' }, 'data_base64 must be valid base64.'],
])('the CloudEvent %j', async (sent, message) => {
  expect(await messageOf('/v1/events', JSON.stringify(sent))).toBe(`invalid_event: CloudEvent 0: ${message}`)
})

test('the body of a CloudEvent in binary mode', async () => {
  const headers = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': 's', 'ce-type': 't', 'content-type': 'application/json' }
  expect(await messageOf('/v1/events', '{"a":', headers)).toBe(
    'malformed_json: The content type is JSON, but the body is not, at line 1, column 6: the text ends before the value does. ' +
      'Send JSON, or the right content type.',
  )
  expect(await messageOf('/v1/events', '[5]', { 'content-type': 'application/cloudevents-batch+json' })).toBe(
    'invalid_event: CloudEvent 0: the event must be a JSON object, not a number.',
  )
})

test.each(Object.entries(rejections))('the help of %s is whole sentences that say what to do', (_, { help }) => {
  expect(help).toMatch(/^[A-Z].*\.$/)
  expect(help).not.toMatch(/\n|\$\{|undefined/)
})
