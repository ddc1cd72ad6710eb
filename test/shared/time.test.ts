import fc from 'fast-check'
import { formatBytes, formatCount } from '../../shared/limits.ts'
import {
  dayMillis,
  EARLIEST,
  floorTo,
  formatInstant,
  instantProblem,
  LATEST,
  parseInstant,
  parseWindowInstant,
  wholeSeconds,
  windowInstant,
} from '../../shared/time.ts'

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

const HOUR_1 = '2026-11-26T01:00:00Z'
const [OFFSET, FORM, EXISTING, YEARS] = [
  'must end with Z or an offset, such as +01:00.',
  'must have the form of RFC 3339, such as 2026-01-31T12:00:00Z.',
  'must be an existing time.',
  'must be in the years 0001 to 9999, in UTC.',
]

test.each([
  ['2026-11-26T01:00:00', OFFSET],
  ['2026-11-26T01:00:00+0530', FORM],
  ['2026-11-26T01:00:00+05:30', '2026-11-25T19:30:00Z'],
  ['2026-11-26T01:00:00+05', FORM],
  ['2026-11-26t01:00:00z', HOUR_1],
  ['2026-11-26 01:00:00Z', HOUR_1],
  ['2026-11-26T01:00:61Z', EXISTING],
  ['2026-11-26T23:59:61Z', EXISTING],
  ['2026-W48-4T01:00:00Z', FORM],
  ['2026-330T01:00:00Z', FORM],
  ['2026-11-26T01:00:00.1Z', '2026-11-26T01:00:00.100000Z'],
  ['2026-11-26T01:00:00.123456789Z', '2026-11-26T01:00:00.123456Z'],
  ['2026-11-26T01:00:00.123456789012Z', '2026-11-26T01:00:00.123456Z'],
  ['2026-11-26T01:00:00.1234567890123Z', '2026-11-26T01:00:00.123456Z'],
  [`2026-11-26T01:00:00.${'9'.repeat(1000)}Z`, '2026-11-26T01:00:00.999999Z'],
  ['2026-11-26T01:00:00.Z', FORM],
  ['2026-11-26T01:00:00,5Z', FORM],
  ['10000-01-01T00:00:00Z', FORM],
  ['+010000-01-01T00:00:00Z', FORM],
  ['2026-11-26T24:00:00Z', EXISTING],
  ['2026-11-26T01:00Z', FORM],
  ['2026-03-29T02:30:00+01:00', '2026-03-29T01:30:00Z'],
  ['0000-01-01T00:00:00Z', YEARS],
  ['0001-01-01T00:00:00+00:01', YEARS],
  ['2026-11-26T01:00:00-00:00', HOUR_1],
  ['2026-11-26T01:00:00+24:00', EXISTING],
  ['2026-11-26T01:00:00−05:00', FORM],
  ['2026-11-26T01:00:00Z[Europe/Paris]', FORM],
  ['2026-02-29T00:00:00Z', EXISTING],
  ['2026-11-26T01:00:00 Z', FORM],
  [' 2026-11-26T01:00:00Z', FORM],
  ['Thu, 26 Nov 2026 01:00:00 GMT', FORM],
  ['1795653600', FORM],
  ['2026-11-26T01:00:00.5999999Z', '2026-11-26T01:00:00.599999Z'],
])('the time %s gives %s', (text, result) => {
  const instant = parseInstant(text)
  expect(instant === undefined ? instantProblem(text) : formatInstant(instant)).toBe(result)
})

test.each([
  ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00Z'],
  ['2016-12-31T23:59:60.5Z', '2017-01-01T00:00:00.500000Z'],
  ['2017-01-01T05:29:60+05:30', '2017-01-01T00:00:00Z'],
  ['2016-12-31T18:59:60-05:00', '2017-01-01T00:00:00Z'],
  ['1969-12-31T23:59:60Z', '1970-01-01T00:00:00Z'],
  ['2026-11-26T01:00:60Z', EXISTING],
  ['2016-12-31T23:59:60+05:30', EXISTING],
  ['2017-01-01T05:28:60+05:30', EXISTING],
  ['9999-12-31T23:59:60Z', YEARS],
])('the second 60 exists only at the end of a day in UTC: %s gives %s', (text, result) => {
  const instant = parseInstant(text)
  expect(instant === undefined ? instantProblem(text) : formatInstant(instant)).toBe(result)
})

test('whole seconds are exact for every instant', () => {
  const near = fc.tuple(fc.bigInt(EARLIEST / 1_000_000n, LATEST / 1_000_000n), fc.constantFrom(-1n, 0n, 1n))
  fc.assert(
    fc.property(near, ([seconds, more]) => {
      const micros = seconds * 1_000_000n + more
      expect(wholeSeconds(micros)).toBe(Number(floorTo(micros, 1_000_000n) / 1_000_000n))
    }),
  )
})

test('the days are those of Date', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 9999 }),
      fc.integer({ min: 0, max: 13 }),
      fc.integer({ min: 0, max: 32 }),
      (y, m, d) => {
        const date = new Date(0)
        date.setUTCFullYear(y, m - 1, d)
        const exists = date.getUTCMonth() === m - 1 && date.getUTCDate() === d && date.getUTCFullYear() === y
        expect(dayMillis(y, m, d)).toBe(exists ? date.getTime() : undefined)
      },
    ),
  )
})
