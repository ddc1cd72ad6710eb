import fc from 'fast-check'
import { interaction } from '../../../shared/events/interaction.ts'
import { add, mean, merge, sum } from '../../../shared/exact-sum.ts'
import { windowOf } from '../../../shared/grains/window-time.ts'
import { checkProjections } from '../../../shared/projection.ts'
import { countryMinutes } from '../../../shared/projections/country-minutes.ts'
import { deviceMinutes } from '../../../shared/projections/device-minutes.ts'
import { recentUrls } from '../../../shared/projections/recent-urls.ts'
import { userActivity } from '../../../shared/projections/user-activity.ts'
import { mappingOf } from '../../../shared/search-index.ts'
import { anAction, aReading, aRecord, aVisit } from '../../fixtures/builders.ts'

const lastUrls = (visits: [url: string, at: number][]) => {
  const state = visits.reduce((before, [url, at]) => recentUrls.fold(before, aVisit(url, at)), recentUrls.initial())
  return recentUrls.document(state, '1')['last_5_urls']
}

test('the document has the five visits with the greatest timestamps, newest first', () => {
  expect(
    lastUrls([
      ['/a', 3],
      ['/b', 1],
      ['/c', 9],
      ['/d', 2],
      ['/e', 8],
      ['/f', 0],
    ]),
  ).toEqual(['/c', '/e', '/a', '/d', '/b'])
})

test('of visits with equal timestamps the later arrival comes first, and urls may repeat', () => {
  expect(
    lastUrls([
      ['/a', 1],
      ['/b', 1],
      ['/a', 1],
    ]),
  ).toEqual(['/a', '/b', '/a'])
})

test('a visit that is older than the five changes nothing', () => {
  const five: [string, number][] = [
    ['/1', 1],
    ['/2', 2],
    ['/3', 3],
    ['/4', 4],
    ['/5', 5],
  ]
  expect(lastUrls([...five, ['/old', 0]])).toEqual(['/5', '/4', '/3', '/2', '/1'])
})

const minuteOf = (readings: ReturnType<typeof aReading>[]) => {
  const counted = readings.filter(reading => deviceMinutes.where(reading))
  const state = counted.reduce((before, reading) => deviceMinutes.fold(before, reading), deviceMinutes.initial())
  return deviceMinutes.document(state, { user: 'd1', start: -60 })
}

test('a minute averages the readings that have both measures and a status other than error', () => {
  expect(
    minuteOf([
      aReading({ temperature: 20, event_duration: 1 }),
      aReading({ temperature: 30, event_duration: 2, status: 'warning' }),
      aReading({ temperature: null }),
      aReading({ event_duration: null }),
      aReading({ status: null }),
      aReading({ status: 'error' }),
    ]),
  ).toEqual({
    device_id: 'd1',
    window_start: '1969-12-31T23:59:00Z',
    avg_temperature: 25,
    avg_event_duration: 1.5,
    num_events: 2,
  })
})

test('sums are exact and do not depend on the order', () => {
  const values = [1e16, 1, -1e16, 3, 1e-9, -4]
  const forward = values.reduce(add, sum())
  const merged = merge(values.slice(3).reduce(add, sum()), values.slice(0, 3).reduce(add, sum()))
  expect(mean(forward, 1)).toBe(1e-9)
  expect(mean(merged, 1)).toBe(1e-9)
  fc.assert(
    fc.property(fc.array(fc.double({ noNaN: true, min: -1e100, max: 1e100 })), fc.nat(), (numbers, cut) => {
      const at = cut % (numbers.length + 1)
      const whole = numbers.reduce(add, sum())
      const parts = merge(numbers.slice(at).reduce(add, sum()), numbers.slice(0, at).reduce(add, sum()))
      expect(mean(parts, 1)).toBe(mean(whole, 1))
    }),
  )
})

const LARGEST = Number.MAX_VALUE
const TINIEST = Number.MIN_VALUE

test.each<[readonly number[], number]>([
  [[1.797e308, 1.797e308], 1.797e308],
  [[LARGEST, LARGEST, LARGEST], LARGEST],
  [[-LARGEST, -LARGEST], -LARGEST],
  [[LARGEST, LARGEST, -LARGEST, -LARGEST], 0],
  [[LARGEST, LARGEST, -LARGEST, -LARGEST, 5], 1],
  [[LARGEST, 1, -LARGEST], 1 / 3],
  [[LARGEST, TINIEST, TINIEST, -LARGEST], 0],
  [[2 ** 960, -(2 ** 959), -(2 ** 959), 3], 0.75],
  [[1.797e308, 1e-300], 8.985e307],
  [[2 ** 960, -(2 ** 959)], 2 ** 958],
])('the mean of %j is within 1e-9, whatever the order, although their sum overflows a double', (values, expected) => {
  for (const order of [values, values.toReversed(), values.toSorted((a, b) => a - b)])
    for (const at of order.keys()) {
      const merged = merge(order.slice(0, at).reduce(add, sum()), JSON.parse(JSON.stringify(order.slice(at).reduce(add, sum()))))
      expect(Math.abs(mean(merged, values.length) - expected)).toBeLessThanOrEqual(Math.abs(expected) * 1e-15)
    }
})

test('the mean of doubles of any size is that of exact integers', () => {
  const exponents = fc.integer({ min: -60, max: 971 })
  const numbers = fc.tuple(fc.integer({ min: -(2 ** 31), max: 2 ** 31 }), exponents)
  fc.assert(
    fc.property(fc.array(numbers, { minLength: 1, maxLength: 20 }), fc.nat(), (terms, cut) => {
      const values = terms.map(([digits, exponent]) => digits * 2 ** exponent)
      const total = terms.reduce((all, [digits, exponent]) => all + BigInt(digits) * 2n ** BigInt(exponent + 60), 0n)
      const at = cut % values.length
      const found = mean(merge(values.slice(at).reduce(add, sum()), values.slice(0, at).reduce(add, sum())), values.length)
      const exact = total / BigInt(values.length)
      const dropped = Math.max(0, exact.toString(2).length - 64)
      const expected = Number(exact >> BigInt(dropped)) * 2 ** (dropped - 60)
      expect(Math.abs(found - expected)).toBeLessThanOrEqual(Math.abs(expected) * 1e-14 + 2 ** -60)
    }),
  )
})

test('readings whose sum overflows a double have a mean, and smaller sums are stored as before', () => {
  expect(minuteOf([1.797e308, 1.797e308].map(event_duration => aReading({ event_duration })))).toMatchObject({
    avg_event_duration: 1.797e308,
  })
  expect([1, 2].reduce(add, sum())).toEqual([3])
})

test('the index mapping is strict and follows the shape of the document', () => {
  expect(mappingOf(recentUrls.shape)).toEqual({
    dynamic: 'strict',
    properties: { id: { type: 'long' }, last_5_urls: { type: 'keyword', ignore_above: 8191 } },
  })
  expect(mappingOf(deviceMinutes.shape).properties).toMatchObject({
    window_start: { type: 'date' },
    avg_temperature: { type: 'double' },
    num_events: { type: 'long' },
  })
})

const activityOf = (actions: (string | null)[]) => {
  const state = actions.reduce((before, action) => userActivity.fold(before, anAction(action)), userActivity.initial())
  return userActivity.document(state, '3')
}

test('the favourite action is the most frequent one; of equally frequent actions it is the first by code point', () => {
  expect(activityOf(['b', 'a', 'b', null])).toEqual({ user_id: 3, events: 4, favourite_action: 'b' })
  expect(activityOf(['\u{1F600}', '\uFFFD'])).toMatchObject({ favourite_action: '\uFFFD' })
  expect(activityOf(['__proto__', '', '__proto__', ''])).toMatchObject({ favourite_action: '' })
  expect(activityOf([null, null])).toMatchObject({ events: 2, favourite_action: null })
})

const countryMinute = (users: ReturnType<typeof aRecord>[][]) => {
  const deltas = users.map(records =>
    records.reduce((state, record) => countryMinutes.fold(state, record), countryMinutes.initial()),
  )
  const state = deltas.reduce(
    (before, delta) => countryMinutes.merge(before, delta, { firstOfUser: true }),
    countryMinutes.initial(),
  )
  return countryMinutes.document(state, { start: 60, usersAreMinimum: false })
}

test('a minute counts events, e-mails and females, and lists all countries with the same count', () => {
  expect(
    countryMinute([
      [aRecord({ email: 'a@x', gender: ' FEMALE ', country: 'Peru' }), aRecord({ email: 'a@x', country: 'Chad' })],
      [aRecord({ email: null, country: 'Chad' }), aRecord({ email: ' ', country: 'Peru', gender: 'female?' })],
      [aRecord({ email: 'b@x', country: 'Fiji' })],
    ]),
  ).toEqual({
    window_start: '1970-01-01T00:01:00Z',
    events: 5,
    unique_users: 2,
    females: 1,
    most: { count: 2, countries: ['Chad', 'Peru'] },
    least: { count: 1, countries: ['Fiji'] },
  })
})

test('a delta of a user that the slot already has adds no user', () => {
  const delta = countryMinutes.fold(countryMinutes.initial(), aRecord({ email: 'a@x' }))
  expect(countryMinutes.merge(delta, delta, { firstOfUser: false })).toMatchObject({ events: 2, users: 1 })
})

test('minutes before 1970 also start at whole minutes', () => {
  expect(windowOf(countryMinutes, aRecord({}, { time: -1n }))?.start).toBe(-60)
  expect(windowOf(countryMinutes, aRecord({}, { time: 253_402_300_799_999_999n }))?.start).toBe(253_402_300_740)
})

test('a projection over a type without users is rejected when the catalogue is built', () => {
  const projection = { ...recentUrls, on: [interaction] }
  expect(() => checkProjections([projection])).toThrow('The projection recent-urls folds interaction, whose events have no user.')
})
