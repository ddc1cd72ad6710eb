/**
 * Instants are microseconds since 1970 as a bigint. A Date has only milliseconds, and a number is exact only until the year
 * 2255.
 */

export const MICROS_PER_SECOND = 1_000_000n
const MICROS_PER_MILLISECOND = 1000n
const MILLIS_PER_SECOND = 1000
const SECONDS_PER_MINUTE = 60
const SECONDS_PER_HOUR = 3600
const SECONDS_PER_DAY = 86_400
/** 23:59 as a second of its day. */
const LAST_MINUTE = SECONDS_PER_DAY - SECONDS_PER_MINUTE

/** 0001-01-01T00:00:00Z, the first instant an event may have. */
export const EARLIEST = -62_135_596_800_000_000n
/** 9999-12-31T23:59:59.999999Z, the last instant an event may have. */
export const LATEST = 253_402_300_799_999_999n

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/

/** The largest multiple of `step` that is not greater than `value`; negative values are rounded down, too. */
export function floorTo(value: number, step: number): number
export function floorTo(value: bigint, step: bigint): bigint
export function floorTo(value: number | bigint, step: number | bigint): number | bigint {
  if (typeof value === 'bigint' && typeof step === 'bigint') return value - (((value % step) + step) % step)
  return Math.floor(Number(value) / Number(step)) * Number(step)
}

/** The instant if it is in the years 0001 to 9999, else undefined. */
export const inRange = (micros: bigint): bigint | undefined => (micros >= EARLIEST && micros <= LATEST ? micros : undefined)

/** Milliseconds since 1970 of a day of the proleptic Gregorian calendar; undefined if the day does not exist. */
export function dayMillis(year: number, month: number, day: number): number | undefined {
  if (month < 1 || month > 12 || day < 1 || day > daysOf(year, month)) return undefined
  // Date.UTC takes years before 100 as years of the 20th century.
  return Date.UTC(year + CYCLE_YEARS, month - 1, day) - CYCLE_MILLIS
}

/** The calendar repeats after 400 years. */
const CYCLE_YEARS = 400
const CYCLE_MILLIS = 146_097 * SECONDS_PER_DAY * MILLIS_PER_SECOND

const isLeapYear = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)

function daysOf(year: number, month: number): number {
  if (month === 2) return isLeapYear(year) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/**
 * Parses RFC 3339 text and drops digits after microseconds. Second 60 is a leap second: it is the next instant, and only the
 * last minute of a UTC day may have one. Undefined if malformed, not an existing instant, or outside the
 * years 0001 to 9999.
 */
export function parseInstant(text: string): bigint | undefined {
  if (parsed.has(text)) return parsed.get(text)
  const unbounded = parseUnbounded(text)
  const instant = unbounded === undefined ? undefined : inRange(unbounded)
  if (parsed.size === MAX_PARSED) parsed.clear()
  if (text.length <= MAX_PARSED_LENGTH) parsed.set(text, instant)
  return instant
}

/** The last results: the times of an event are checked and used in several places, and all events of a batch were sent at one time. */
const parsed = new Map<string, bigint | undefined>()
const MAX_PARSED = 32
const MAX_PARSED_LENGTH = 40

/** Why `parseInstant` does not parse the text, as the end of a sentence; undefined if it does. */
export function instantProblem(text: string): string | undefined {
  if (parseInstant(text) !== undefined) return undefined
  if (RFC_3339.test(`${text}Z`)) return 'must end with Z or an offset, such as +01:00.'
  if (!RFC_3339.test(text)) return 'must have the form of RFC 3339, such as 2026-01-31T12:00:00Z.'
  return parseUnbounded(text) === undefined ? 'must be an existing time.' : 'must be in the years 0001 to 9999, in UTC.'
}

function parseUnbounded(text: string): bigint | undefined {
  const match = RFC_3339.exec(text)
  if (!match) return undefined
  const [, year, month, day, hour, minute, second, fraction = '', sign, offsetHour = '0', offsetMinute = '0'] = match
  const midnight = dayMillis(Number(year), Number(month), Number(day))
  if (midnight === undefined || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined
  if (Number(offsetHour) > 23 || Number(offsetMinute) > 59) return undefined
  const offset = secondsOf(offsetHour, offsetMinute) * (sign === '-' ? -1 : 1)
  if (Number(second) === LEAP_SECOND && !isLastMinute(secondsOf(hour, minute) - offset)) return undefined
  const seconds = midnight / MILLIS_PER_SECOND + secondsOf(hour, minute) + Number(second) - offset
  return BigInt(seconds) * MICROS_PER_SECOND + BigInt(fraction.padEnd(6, '0').slice(0, 6))
}

/** Leap seconds are inserted at the end of a UTC day only (RFC 3339, 5.7). */
const LEAP_SECOND = 60
const isLastMinute = (secondOfDay: number): boolean => (secondOfDay + SECONDS_PER_DAY) % SECONDS_PER_DAY === LAST_MINUTE

const secondsOf = (hours?: string, minutes?: string): number =>
  Number(hours) * SECONDS_PER_HOUR + Number(minutes) * SECONDS_PER_MINUTE

/** RFC 3339 in UTC: `YYYY-MM-DDTHH:MM:SSZ` for whole seconds, else with six decimals. */
export function formatInstant(micros: bigint): string {
  const second = floorTo(micros, MICROS_PER_SECOND)
  const fraction = micros - second
  const text = new Date(Number(second / MICROS_PER_MILLISECOND)).toISOString().slice(0, 19)
  return fraction === 0n ? `${text}Z` : `${text}.${String(fraction).padStart(6, '0')}Z`
}

/** The UTC day of an instant: `YYYY-MM-DD`. */
export const formatDay = (micros: bigint): string => formatInstant(micros).slice(0, 10)

/** Seconds since 1970, rounded down. */
export function wholeSeconds(micros: bigint): number {
  const number = Number(micros)
  // The quotient of a smaller number is never rounded to a whole number that it does not reach.
  if (Number.isSafeInteger(number)) return Math.floor(number / Number(MICROS_PER_SECOND))
  return Number(floorTo(micros, MICROS_PER_SECOND) / MICROS_PER_SECOND)
}

const FIRST_SECOND = wholeSeconds(EARLIEST)
const LAST_SECOND = wholeSeconds(LATEST)

/** Whether epoch seconds, with decimals, are in the years 0001 to 9999. */
export const isInYears = (seconds: number): boolean => seconds >= FIRST_SECOND && seconds < LAST_SECOND + 1

/** Milliseconds since 1970 as an instant; decimals are dropped. */
export const millisToMicros = (millis: number): bigint => BigInt(Math.trunc(millis)) * MICROS_PER_MILLISECOND

/** Seconds of greater magnitude are outside the years 0001 to 9999, and may be too large for the arithmetic below. */
const MAX_SECONDS = 1e12

/** Epoch seconds, with decimals down to microseconds, as an instant; undefined outside the years 0001 to 9999. */
export function secondsToMicros(seconds: number): bigint | undefined {
  if (!Number.isFinite(seconds) || Math.abs(seconds) > MAX_SECONDS) return undefined
  const whole = Math.floor(seconds)
  return inRange(BigInt(whole) * MICROS_PER_SECOND + BigInt(Math.round((seconds - whole) * Number(MICROS_PER_SECOND))))
}

/** How far after its arrival an event may be without being from the future: no clock that is nearly right is further ahead. */
export const FUTURE_MICROS = 86_400n * MICROS_PER_SECOND

/** The last instant that is not in the future at `now` (milliseconds since 1970). */
export const lastPresent = (now: number): bigint => inRange(millisToMicros(now) + FUTURE_MICROS) ?? LATEST

/** The start of a window, in epoch seconds, as RFC 3339 text. */
export const windowInstant = (start: number): string => formatInstant(BigInt(start) * MICROS_PER_SECOND)

/** The inverse of `windowInstant`; undefined if the text is not an instant. */
export function parseWindowInstant(text: string): number | undefined {
  const instant = parseInstant(text)
  return instant === undefined ? undefined : wholeSeconds(instant)
}

/** The day (days since 1970) of text `YYYY-MM-DD`; undefined when the calendar has no such day. Years 0001..9999. */
export function parseDay(text: string): number | undefined {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? []
  const millis = Number(year) > 0 ? dayMillis(Number(year), Number(month), Number(day)) : undefined
  return millis === undefined ? undefined : millis / 86_400_000
}
