import { accept } from '../../shared/acceptance.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import { aSender } from '../fixtures/keys.ts'

const arrival = {
  eventTypes: new Map(eventTypes.map(type => [type.name, type])),
  sender: aSender(),
  received: 1_700_000_000_000,
  defaultId: () => 'generated',
}
const acceptRow = (type: string, data: object) => accept({ type, data }, arrival)

const record = { id: 5, email: 'a@b.c', gender: 'Male', ip_address: '1.2.3.4', date: '1/2/2020', country: 'france' }
const conformed = (fields: object) => {
  const result = acceptRow('user_record', { ...record, ...fields })
  return 'code' in result ? result.code : (result.data as Record<string, unknown>)
}

test.each([
  ['1/2/2020', '2020-02-01'],
  ['31-12-1999', '1999-12-31'],
  ['29.2.2000', '2000-02-29'],
  ['2020-1-2', '2020-01-02'],
  ['2020/01/02', '2020-01-02'],
  ['2020-01-02T10:00:00Z', '2020-01-02'],
  ['2020/1/2 10:00', '2020-01-02'],
  ['1 Jan 2020', '2020-01-01'],
  ['01-FEB-2020', '2020-02-01'],
  [' 5 may 0001 ', '0001-05-05'],
  ['31/12/9999', '9999-12-31'],
])('the date %s becomes %s', (date, day) => {
  expect(conformed({ date })).toMatchObject({ date: day })
})

test.each([
  '13/13/2020',
  '2/29/2020',
  '29/2/1900',
  '1/2/20',
  '1/2-2020',
  '20200102',
  '1577836800',
  '1/2/2020 10:00',
  '0/1/2020',
  '1/1/0000',
  '1 January 2020',
  '1 Jän 2020',
  'x',
])('the date %s is rejected', date => {
  expect(conformed({ date })).toBe('date_invalid')
})

test('reasons are checked in this order: date invalid, date missing, country missing', () => {
  expect(conformed({ date: 'x', country: null })).toBe('date_invalid')
  expect(conformed({ date: ' ', country: null })).toBe('date_missing')
  expect(conformed({ date: null })).toBe('date_missing')
  expect(conformed({ country: ' \t ' })).toBe('country_missing')
  expect(conformed({ country: undefined })).toBe('country_missing')
})

test.each([
  ['  united   STATES\tof america ', 'United States Of America'],
  ['guinea-BISSAU', 'Guinea-bissau'],
  ["cote d'ivoire", "Cote D'ivoire"],
  ['u.s.a.', 'U.s.a.'],
  ['åland', 'Åland'],
  ['ßtadt ﬁnland', 'Sstadt Finland'],
])('the country %j becomes %j', (country, name) => {
  expect(conformed({ country })).toMatchObject({ country: name })
})

test('a country that is conformed again, as by a replay, stays the same', () => {
  const letters = Array.from({ length: 0x1_f000 - 0x21 }, (_, at) => String.fromCodePoint(0x21 + at))
  const special = letters.filter(letter => letter.toUpperCase().length + letter.toLowerCase().length > 2 * letter.length)
  expect(special.length).toBeGreaterThan(100)
  for (const country of special.flatMap(letter => [letter, `a${letter}`, `${letter}a b${letter}`])) {
    const once = conformed({ country })
    expect(conformed({ country: (once as { country: string }).country })).toEqual(once)
  }
})

test.each([
  ['1.2.3.4', true],
  ['255.255.255.255', true],
  ['0.0.0.0', true],
  ['256.1.1.1', false],
  ['01.2.3.4', false],
  ['1.2.3', false],
  ['1.2.3.4.', false],
  ['1.2.3.4\n', false],
  [' 1.2.3.4', false],
  [null, false],
])('ip_valid of the address %j is %s', (ip_address, valid) => {
  expect(conformed({ ip_address })).toMatchObject({ ip_address, ip_valid: valid })
})

test('the user of a record is its e-mail, else its id, and its time is arrived_at', () => {
  expect(acceptRow('user_record', { ...record, email: ' A@B.c ', arrived_at: 1500 })).toMatchObject({
    subject: 'a@b.c',
    time: 1_500_000n,
  })
  expect(acceptRow('user_record', { ...record, email: ' ' })).toMatchObject({ subject: 'id:5', time: 1_700_000_000_000_000n })
})

test.each([
  ['pageview', 'homepage', 'h'],
  ['pageview', 'about', 'a'],
  ['pageview', 'checkout', 'c'],
  ['engagement', 'click', 'c'],
  ['engagement', 'scroll', 's'],
  ['engagement', 'hover', 'h'],
  ['pageview', 'click', null],
  ['Pageview', 'homepage', null],
  ['pageview', null, null],
  ['__proto__', '__proto__', null],
  ['constructor', 'constructor', null],
  ['../../etc/passwd', '_all', null],
  ['pageview', '*', null],
])('an interaction of type %s with value %s gets the id %s', (eventType, eventValue, eventId) => {
  expect(acceptRow('interaction', { eventType, eventValue })).toMatchObject({
    subject: null,
    data: { eventType, eventValue, eventId },
  })
})

test('an interaction without a value has no id, and without a type it is invalid', () => {
  expect(acceptRow('interaction', { eventType: 'pageview' })).toMatchObject({ data: { eventValue: null, eventId: null } })
  expect(acceptRow('interaction', { eventValue: 'homepage' })).toMatchObject({ code: 'invalid_event' })
})

const action = { user_id: 3, app_name: 'product_1', event_category: 'category_1' }

test('the time of an action is its event_time in UTC, else its arrival', () => {
  expect(acceptRow('app_action', { ...action, event_time: '2024-02-29 23:59:59.5' })).toMatchObject({
    subject: '3',
    time: 1_709_251_199_500_000n,
  })
  expect(acceptRow('app_action', action)).toMatchObject({
    time: 1_700_000_000_000_000n,
    data: { event_action: null, event_value: null },
  })
})

test.each(['2024-02-30 00:00:00', '2024-02-28T00:00:00', '2024-02-28', '2024-02-28 00:00:00Z', '0000-01-01 00:00:00'])(
  'the event_time %s is rejected',
  event_time => {
    expect(acceptRow('app_action', { ...action, event_time })).toMatchObject({ code: 'invalid_event' })
  },
)
