/** Instants are microseconds since 1970 as a bigint: a Date holds milliseconds only, a Number is exact only to the year 2255. */

const MICROS_PER_SECOND = 1_000_000n

/** 0001-01-01T00:00:00Z, the first instant an event may have. */
export const EARLIEST = -62_135_596_800_000_000n
/** 9999-12-31T23:59:59.999999Z, the last instant an event may have. */
export const LATEST = 253_402_300_799_999_999n

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,12}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/

/** The largest multiple of `step` microseconds that is not after the instant; it rounds down before 1970, too. */
export const floorInstantTo = (micros: bigint, step: bigint): bigint => micros - (((micros % step) + step) % step)

/** The instant if it lies in the years 0001..9999, else undefined. */
export const inRange = (micros: bigint): bigint | undefined => (micros >= EARLIEST && micros <= LATEST ? micros : undefined)

/** Milliseconds since 1970 of a proleptic Gregorian day, or undefined when the calendar has no such day. */
export function dayMillis(year: number, month: number, day: number): number | undefined {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  const exists = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  return exists ? date.getTime() : undefined
}

/** Parses RFC 3339 text (digits beyond microseconds are dropped); undefined when malformed, not a real instant, or outside 0001..9999. */
export function parseInstant(text: string): bigint | undefined {
  const match = RFC_3339.exec(text)
  if (!match) return undefined
  const [, year, month, day, hour, minute, second, fraction = '', sign, offsetHour = '0', offsetMinute = '0'] = match
  const midnight = dayMillis(Number(year), Number(month), Number(day))
  if (midnight === undefined || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined
  if (Number(offsetHour) > 23 || Number(offsetMinute) > 59) return undefined
  const offset = (Number(offsetHour) * 3600 + Number(offsetMinute) * 60) * (sign === '-' ? -1 : 1)
  const seconds = midnight / 1000 + Number(hour) * 3600 + Number(minute) * 60 + Number(second) - offset
  return inRange(BigInt(seconds) * MICROS_PER_SECOND + BigInt(fraction.padEnd(6, '0').slice(0, 6)))
}

/** RFC 3339 in UTC: whole seconds as `YYYY-MM-DDTHH:MM:SSZ`, else with six decimals. */
export function formatInstant(micros: bigint): string {
  const fraction = ((micros % MICROS_PER_SECOND) + MICROS_PER_SECOND) % MICROS_PER_SECOND
  const text = new Date(Number((micros - fraction) / 1000n)).toISOString().slice(0, 19)
  return fraction === 0n ? `${text}Z` : `${text}.${String(fraction).padStart(6, '0')}Z`
}

/** Seconds since 1970, rounded down. */
export const wholeSeconds = (micros: bigint): number =>
  Number((micros - (((micros % MICROS_PER_SECOND) + MICROS_PER_SECOND) % MICROS_PER_SECOND)) / MICROS_PER_SECOND)

export const millisToMicros = (millis: number): bigint => BigInt(Math.trunc(millis)) * 1000n

/** Epoch seconds, with decimals down to microseconds, as an instant; undefined outside the years 0001..9999. */
export function secondsToMicros(seconds: number): bigint | undefined {
  if (!Number.isFinite(seconds) || Math.abs(seconds) > 1e12) return undefined
  const whole = Math.floor(seconds)
  return inRange(BigInt(whole) * MICROS_PER_SECOND + BigInt(Math.round((seconds - whole) * 1e6)))
}

/** The day (days since 1970) of text `YYYY-MM-DD`; undefined when the calendar has no such day. Years 0001..9999. */
export function parseDay(text: string): number | undefined {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? []
  const millis = Number(year) > 0 ? dayMillis(Number(year), Number(month), Number(day)) : undefined
  return millis === undefined ? undefined : millis / 86_400_000
}
