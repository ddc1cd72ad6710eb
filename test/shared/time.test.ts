import { formatBytes, formatCount } from '../../shared/limits.ts'
import { floorTo, formatInstant, parseInstant, parseWindowInstant, windowInstant } from '../../shared/time.ts'

test('floorTo rounds numbers and bigints down, before 1970 too', () => {
  expect([floorTo(125.5, 60), floorTo(120, 60), floorTo(-1, 60)]).toEqual([120, 120, -60])
  expect([floorTo(125n, 60n), floorTo(120n, 60n), floorTo(-1n, 60n)]).toEqual([120n, 120n, -60n])
})

test.each([-62_135_596_800, -60, 0, 1_700_000_040, 253_402_300_740])(
  'the window start %s is the same after formatting and parsing',
  start => {
    expect(parseWindowInstant(windowInstant(start))).toBe(start)
  },
)

test('text that is not an instant has no window start', () => {
  expect(windowInstant(60)).toBe('1970-01-01T00:01:00Z')
  expect(parseWindowInstant('noon')).toBeUndefined()
})

test('sizes and counts are written for people', () => {
  expect([4 * 2 ** 20, 32 * 2 ** 10, 250_000].map(formatBytes)).toEqual(['4 MB', '32 KB', '250,000 bytes'])
  expect(formatCount(2500)).toBe('2,500')
})

test.each([
  ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00Z'],
  ['2017-01-01T05:29:60+05:30', '2017-01-01T00:00:00Z'],
  ['2016-12-31T18:59:60.5-05:00', '2017-01-01T00:00:00.500000Z'],
  ['2026-11-26T01:00:00.1234567890123Z', '2026-11-26T01:00:00.123456Z'],
  [`2026-11-26T01:00:00.${'9'.repeat(200)}Z`, '2026-11-26T01:00:00.999999Z'],
  ['2026-11-26t01:00:00.1z', '2026-11-26T01:00:00.100000Z'],
  ['2026-11-26T01:00:00-00:00', '2026-11-26T01:00:00Z'],
])('the time %s is %s', (text, instant) => {
  expect(formatInstant(parseInstant(text) ?? 0n)).toBe(instant)
})

test.each([
  '2026-11-26T01:00:60Z',
  '2016-12-31T23:59:60+05:30',
  '2026-11-26T23:59:61Z',
  '9999-12-31T23:59:60Z',
  '2026-11-26T01:00:00',
  '2026-11-26T01:00:00+0530',
  '2026-11-26T01:00:00.Z',
  '2026-11-26T01:00:00,5Z',
  '2026-11-26T24:00:00Z',
  '0000-01-01T00:00:00Z',
  '0001-01-01T00:00:00+00:01',
  '2026-11-26T01:00:00+24:00',
  '2026-11-26T01:00:00−05:00',
  '2026-02-29T00:00:00Z',
  ' 2026-11-26T01:00:00Z',
])('%s is not an RFC 3339 time', text => {
  expect(parseInstant(text)).toBeUndefined()
})
