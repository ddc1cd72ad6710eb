import fc from 'fast-check'
import { deviceMinutes } from '../shared/projections/device-minutes.ts'
import { recentUrls } from '../shared/projections/recent-urls.ts'
import { mappingOf } from '../shared/search.ts'
import { add, mean, merge, sum } from '../shared/sum.ts'
import { aReading, aVisit } from './builders.ts'

const lastUrls = (visits: [url: string, at: number][]) => {
  const state = visits.reduce((before, [url, at]) => recentUrls.fold(before, aVisit(url, at)), recentUrls.initial())
  return recentUrls.document(state, '1')['last_5_urls']
}

test('the five visits with the greatest timestamps, newest first', () => {
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

test('of equal timestamps the later arrival comes first; urls need not differ', () => {
  expect(
    lastUrls([
      ['/a', 1],
      ['/b', 1],
      ['/a', 1],
    ]),
  ).toEqual(['/a', '/b', '/a'])
})

test('an older visit than the five changes nothing', () => {
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

test('a minute averages what has both measures and a status other than error', () => {
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

test('sums do not drift and do not depend on the order', () => {
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

test('a sum beyond the largest double stays a number', () => {
  expect([Number.MAX_VALUE, Number.MAX_VALUE].reduce(add, sum())).toEqual([Number.MAX_VALUE])
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
