import { formatBytes, formatCount } from '../../shared/limits.ts'
import { floorTo, parseWindowInstant, windowInstant } from '../../shared/time.ts'

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
