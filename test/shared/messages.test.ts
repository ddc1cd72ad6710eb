import * as z from 'zod/mini'
import { accept } from '../../shared/acceptance.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import type { Envelope } from '../../shared/envelope.ts'
import { defineEvent, number, text } from '../../shared/event-type.ts'
import { aSender } from '../fixtures/keys.ts'

const limited = defineEvent({
  name: 'limited',
  about: 'A type with checks of its own.',
  fields: {
    share: z.number().check(z.gte(0), z.lt(1)),
    level: z.number().check(z.gt(0), z.lte(9)),
    code: text().check(z.minLength(2), z.maxLength(3), z.regex(/^[a-z]+$/)),
    mail: z.email(),
    even: number().check(z.refine(value => value % 2 === 0)),
    odd: number().check(z.refine(value => value % 2 === 1, { error: 'must be odd.' })),
    on: z.boolean(),
  },
  user: null,
})
const arrival = {
  eventTypes: new Map([...eventTypes, limited].map(type => [type.name, type])),
  sender: aSender(),
  received: 1_700_000_000_000,
  defaultId: () => 'generated',
}
const messageOf = (envelope: object) => {
  const result = accept(envelope as Envelope, arrival)
  return 'message' in result ? `${result.code}: ${result.message}` : 'accepted'
}
const SECRET = '\u001b[2J"value of a client'

const visit = { Id: 7, Url: '/a', Timestamp: 1 }
const INTEGERS = 'an integer from -9007199254740991 to 9007199254740991'
const SECONDS = 'seconds since 1970, not milliseconds, from -62135596800 to less than 253402300800'

test.each<[object, string]>([
  [{ Url: '/a', Timestamp: 1 }, 'Id is missing; it must be an integer.'],
  [{ ...visit, Id: undefined, ID: 7 }, 'Id is missing, but there is ID; names are case-sensitive.'],
  [{ ...visit, Id: undefined, 'i\u0000d': 7 }, 'Id is missing; it must be an integer.'],
  [{ ...visit, Url: null }, 'Url must be a string, not null.'],
  [{ ...visit, Url: ['/a'] }, 'Url must be a string, not an array.'],
  [{ ...visit, Url: { a: 1 } }, 'Url must be a string, not an object.'],
  [{ ...visit, Url: true }, 'Url must be a string, not a boolean.'],
  [{ ...visit, Id: SECRET }, 'Id must be an integer, not a string.'],
  [{ ...visit, Timestamp: 1.5 }, 'Timestamp must be an integer, not a number with a fraction.'],
  [{ ...visit, Id: 2 ** 53 }, `Id is out of range; it must be ${INTEGERS}.`],
  [{ ...visit, Id: -1e300 }, `Id is out of range; it must be ${INTEGERS}.`],
  [{ ...visit, event_id: 5 }, 'event_id must be a string of 1 to 128 characters, not a number.'],
  [{ ...visit, event_id: '' }, 'event_id must be a string of 1 to 128 characters, not empty.'],
  [{ ...visit, event_id: 'x'.repeat(129) }, 'event_id must be a string of 1 to 128 characters, not longer.'],
])('page_visit %j', (data, message) => {
  expect(messageOf({ type: 'page_visit', data })).toBe(`invalid_event: ${message}`)
})

const reading = { device_id: 'd', timestamp: 1 }

test.each<[object, string]>([
  [{ ...reading, timestamp: 1_700_000_000_000 }, `timestamp is out of range; it must be ${SECONDS}.`],
  [{ ...reading, timestamp: -62_135_596_801 }, `timestamp is out of range; it must be ${SECONDS}.`],
  [{ ...reading, timestamp: 253_402_300_800 }, `timestamp is out of range; it must be ${SECONDS}.`],
  [{ ...reading, temperature: '21.5' }, 'temperature must be a number or null, not a string.'],
  [{ ...reading, temperature: Number.POSITIVE_INFINITY }, 'temperature must be a number or null, not infinite.'],
  [{ ...reading, device_id: '' }, 'The user of reading must have 1 to 128 characters.'],
])('reading %j', (data, message) => {
  expect(messageOf({ type: 'reading', data })).toBe(`invalid_event: ${message}`)
})

const action = { user_id: 3, app_name: 'a', event_category: 'c' }

test.each([
  ['2024-02-28T00:00:00', 'event_time must have the form YYYY-MM-DD HH:MM:SS[.ffffff], in UTC.'],
  ['2024-02-28 00:00:00.1234567', 'event_time must have the form YYYY-MM-DD HH:MM:SS[.ffffff], in UTC.'],
  ['2024-02-30 00:00:00', 'event_time must be an existing time in the years 0001 to 9999.'],
  ['2024-02-28 01:00:60', 'event_time must be an existing time in the years 0001 to 9999.'],
  [5, 'event_time must be a string or null, not a number.'],
])('app_action with the event_time %j', (event_time, message) => {
  expect(messageOf({ type: 'app_action', data: { ...action, event_time } })).toBe(`invalid_event: ${message}`)
})

test.each<[object, string]>([
  [
    { date: 'x' },
    'date_invalid: The date must be an existing day, written as in 2026-01-31, 31/01/2026 or 31 Jan 2026. Fix it and send the record again.',
  ],
  [{ date: '' }, 'date_missing: The record has no date. Add it and send the record again.'],
  [{ date: '1/2/2020', country: ' ' }, 'country_missing: The record has no country. Add it and send the record again.'],
  [{ email: 5 }, 'invalid_event: email must be a string or null, not a number.'],
])('user_record %j', (fields, message) => {
  expect(messageOf({ type: 'user_record', data: { id: 1, ...fields } })).toBe(message)
})

test.each<[object, string]>([
  [{ user_id: 'u' }, 'traits is missing; it must be an object.'],
  [{ user_id: 'u', Traits: {} }, 'traits is missing, but there is Traits; names are case-sensitive.'],
  [{ user_id: 'u', traits: 'x' }, 'traits must be an object, not a string.'],
])('user_traits %j', (data, message) => {
  expect(messageOf({ type: 'user_traits', data })).toBe(`invalid_event: ${message}`)
})

const valid = { share: 0.5, level: 1, code: 'ab', mail: 'a@b.co', even: 2, odd: 1, on: true }

test.each<[object, string]>([
  [{ share: -1 }, 'share is out of range; it must be at least 0.'],
  [{ share: 1 }, 'share is out of range; it must be less than 1.'],
  [{ level: 0 }, 'level is out of range; it must be more than 0.'],
  [{ level: 10 }, 'level is out of range; it must be at most 9.'],
  [{ code: 'a' }, 'code must have at least 2 characters.'],
  [{ code: 'abcd' }, 'code must have at most 3 characters.'],
  [{ code: 'A1' }, 'code must have the form /^[a-z]+$/.'],
  [{ even: 1 }, 'even is invalid.'],
  [{ odd: 2 }, 'odd must be odd.'],
  [{ on: 1 }, 'on must be true or false, not a number.'],
])('a type with other checks %j', (fields, message) => {
  expect(messageOf({ type: 'limited', data: valid })).toBe('accepted')
  expect(messageOf({ type: 'limited', data: { ...valid, ...fields } })).toBe(`invalid_event: ${message}`)
})

const NAME = 'a string of 1 to 128 characters'
const FORM = 'time must have the form of RFC 3339, such as 2026-01-31T12:00:00Z.'

test.each<[object, string]>([
  [{ data: {} }, `type is missing; it must be ${NAME}.`],
  [{ Type: 'page_visit' }, 'type is missing, but there is Type; names are case-sensitive.'],
  [{ type: '' }, `type must be ${NAME}, not empty.`],
  [{ type: 5 }, `type must be ${NAME}, not a number.`],
  [{ type: 'millrace.erasure' }, 'Types that begin with millrace. are reserved.'],
  [{ type: 't', id: 5 }, `id must be ${NAME}, not a number.`],
  [{ type: 't', id: 'x'.repeat(129) }, `id must be ${NAME}, not longer.`],
  [{ type: 't', source: 'x'.repeat(257) }, 'source must be a string of 1 to 256 characters, not longer.'],
  [{ type: 't', subject: {} }, `subject must be ${NAME}, not an object.`],
  [{ type: 't', subject: '\ud800' }, `subject must be ${NAME}; it contains half of a surrogate pair.`],
  [{ type: 't', time: 1_700_000_000 }, 'time must be a string, not a number.'],
  [{ type: 't', time: SECRET }, FORM],
  [{ type: 't', time: '1795653600' }, FORM],
  [{ type: 't', time: '2026-11-26T01:00:00' }, 'time must end with Z or an offset, such as +01:00.'],
  [{ type: 't', time: '2026-02-30T00:00:00Z' }, 'time must be an existing time.'],
  [{ type: 't', time: '0000-01-01T00:00:00Z' }, 'time must be in the years 0001 to 9999, in UTC.'],
  [{ type: 'page_visit' }, 'data is missing; it must be an object of page_visit.'],
  [{ type: 'page_visit', data: [visit] }, 'data must be an object of page_visit, not an array.'],
  [
    { type: 'page_visit', id: 'x', data: { ...visit, event_id: 'v' } },
    'id must be omitted or equal event_id in the fields of page_visit.',
  ],
  [{ type: 'page_visit', subject: '8', data: visit }, 'subject must be omitted or equal the user in the fields of page_visit.'],
])('the envelope %j', (envelope, message) => {
  expect(messageOf(envelope)).toBe(`invalid_event: ${message}`)
})
