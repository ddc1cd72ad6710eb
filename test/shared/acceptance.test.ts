import { accept } from '../../shared/acceptance.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import type { Envelope } from '../../shared/envelope.ts'
import { aSender } from '../fixtures/keys.ts'

const arrival = {
  eventTypes: new Map(eventTypes.map(type => [type.name, type])),
  sender: aSender(),
  received: 1_700_000_000_000,
  defaultId: () => 'generated',
}
const acceptEvent = (envelope: Envelope) => accept(envelope, arrival)
const visit = { Id: 7, Url: '/a', Timestamp: 1_700_000_000 }

test('an event whose type is not in the catalogue is accepted unchanged', () => {
  expect(acceptEvent({ type: 'signup', data: { plan: 'pro' } })).toEqual({
    id: 'generated',
    keyId: 'k_web',
    source: 'web',
    type: 'signup',
    subject: null,
    time: 1_700_000_000_000_000n,
    received: 1_700_000_000_000,
    data: { plan: 'pro' },
  })
})

test('id, user and time of a catalogued type are read from its fields', () => {
  expect(acceptEvent({ type: 'page_visit', data: { ...visit, event_id: 'v1' } })).toMatchObject({
    id: 'v1',
    subject: '7',
    time: 1_700_000_000_000_000n,
    data: visit,
  })
})

test('the time of the envelope wins over that of the fields, which stays in the data', () => {
  const time = '2026-01-31T12:00:00.123456789+01:00'
  expect(acceptEvent({ type: 'page_visit', id: 'v1', time, data: { ...visit, event_id: 'v1' } })).toMatchObject({
    id: 'v1',
    time: 1_769_857_200_123_456n,
    data: visit,
  })
})

test.each<[string, Envelope, number | undefined]>([
  ['of the envelope, before its correction', { type: 't', time: '1970-01-01T00:00:09.9Z', sentAt: '1970-01-01T00:01:00Z' }, 9],
  ['of the envelope, although it is from the future', { type: 't', time: '2036-01-01T00:00:00Z' }, 2_082_758_400],
  ['of the fields', { type: 'page_visit', data: visit }, 1_700_000_000],
  ['of the envelope, not of the fields', { type: 'page_visit', time: '1970-01-01T00:00:00Z', data: visit }, 0],
  ['of nobody', { type: 't' }, undefined],
])('the stated time is that %s', (_, envelope, stated) => {
  expect((acceptEvent(envelope) as { readonly stated?: number }).stated).toBe(stated)
})

test('an id of the envelope that differs from the id in the fields is rejected', () => {
  expect(acceptEvent({ type: 'page_visit', id: 'x', data: { ...visit, event_id: 'v1' } })).toMatchObject({
    code: 'invalid_event',
    message: 'id must be omitted or equal event_id in the fields of page_visit.',
  })
})

test('a timestamp outside the years 1 to 9999 stays in the data, and the time of the event is its arrival', () => {
  expect(acceptEvent({ type: 'page_visit', data: { ...visit, Timestamp: 9e14 } })).toMatchObject({
    time: 1_700_000_000_000_000n,
    data: { Timestamp: 9e14 },
  })
})

test('an absent nullable field becomes null', () => {
  expect(acceptEvent({ type: 'reading', data: { device_id: 'd', timestamp: 1.5 } })).toMatchObject({
    data: { device_type: null, temperature: null, event_duration: null, status: null },
  })
})

test('extra fields are kept, even if they look like a rejection', () => {
  expect(acceptEvent({ type: 'page_visit', data: { ...visit, code: 'not_found', message: 'x' } })).toMatchObject({
    data: { code: 'not_found', message: 'x' },
  })
})

test.each<[string, Envelope]>([
  ['no type', { data: {} }],
  ['an empty type', { type: '' }],
  ['a reserved type', { type: 'millrace.erasure', subject: 'u' }],
  ['an id that is a number', { type: 't', id: 5 }],
  ['an id of 129 characters', { type: 't', id: 'x'.repeat(129) }],
  ['a subject with a lone surrogate', { type: 't', subject: '\ud800' }],
  ['a day that does not exist', { type: 't', time: '2026-02-30T00:00:00Z' }],
  ['a time in the year 10000', { type: 't', time: '9999-12-31T23:59:59-00:01' }],
  ['a subject that is not the user in the fields', { type: 'page_visit', subject: '8', data: visit }],
  ['a missing required field', { type: 'page_visit', data: { Id: 7, Url: '/a' } }],
  ['a null required field', { type: 'page_visit', data: { ...visit, Url: null } }],
  ['a string in an integer field', { type: 'page_visit', data: { ...visit, Id: '7' } }],
  ['a fraction in an integer field', { type: 'page_visit', data: { ...visit, Timestamp: 1.5 } }],
  ['an integer beyond 2^53', { type: 'page_visit', data: { ...visit, Id: 2 ** 53 } }],
  ['an empty user', { type: 'reading', data: { device_id: '', timestamp: 1 } }],
  ['a reading in the year 10000', { type: 'reading', data: { device_id: 'd', timestamp: 253_402_300_800 } }],
  ['an event_id that is not a string', { type: 'page_visit', data: { ...visit, event_id: 5 } }],
  ['data that is not an object', { type: 'page_visit', data: [visit] }],
])('an event with %s is rejected', (_, envelope) => {
  expect(acceptEvent(envelope)).toMatchObject({ code: 'invalid_event', message: expect.stringMatching(/\.$/) })
})

test('the limit of 128 characters counts code points, not UTF-16 units', () => {
  expect(acceptEvent({ type: 't', id: '😀'.repeat(128) })).toMatchObject({ id: '😀'.repeat(128) })
})

const action = { user_id: 1, app_name: 'shop', event_category: 'sales' }

test.each([
  ['Url', 'page_visit', { ...visit, Url: '😀'.repeat(8_192) }, undefined],
  ['Url', 'page_visit', { ...visit, Url: 'x'.repeat(8_193) }, 'Url must have at most 8,192 characters.'],
  ['event_action', 'app_action', { ...action, event_action: '😀'.repeat(1_024) }, undefined],
  [
    'event_action',
    'app_action',
    { ...action, event_action: 'x'.repeat(1_025) },
    'event_action must have at most 1,024 characters.',
  ],
])('%s of a %s has a maximum in code points', (_, type, data, message) => {
  const result = acceptEvent({ type, data })
  expect('code' in result ? `${result.code}: ${result.message}` : undefined).toBe(message && `invalid_event: ${message}`)
})
