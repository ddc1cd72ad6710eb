import { defineEvent, flag, integer, nullable, text } from '../event-type.ts'

import { type Rejection, reject } from '../rejections.ts'
import { dayMillis, inRange, millisToMicros } from '../time.ts'

export const userRecord = defineEvent({
  name: 'user_record',
  about: 'A record of a user, as files of records bring it.',
  fields: {
    id: integer(),
    first_name: nullable(text()),
    last_name: nullable(text()),
    email: nullable(text()),
    gender: nullable(text()),
    ip_address: nullable(text()),
    date: nullable(text()),
    country: nullable(text()),
    arrived_at: nullable(integer()),
  },
  added: { ip_valid: flag() },
  user: ({ email, id }) => userOf(normalEmail(email), id),
  time: row => (row.arrived_at === null ? undefined : inRange(millisToMicros(row.arrived_at))),
  conform: row => {
    const date = normalDate(row.date)
    if (typeof date !== 'string') return date
    const country = normalCountry(row.country)
    if (country === '') return reject('country_missing')
    return { ...row, date, country, ip_valid: isDottedQuad(row.ip_address) }
  },
})

/** Trimmed and in lower case; null for none. */
export const normalEmail = (email: string | null): string | null => email?.trim().toLowerCase() || null

/** The e-mail, else the id. An e-mail that reads like an id gets a tag in capitals, which no e-mail in lower case has. */
function userOf(email: string | null, id: number): string {
  if (email === null) return `id:${id}`
  return email.startsWith('id:') ? `EMAIL:${email}` : email
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const DAY_FIRST = /^(?<day>\d{1,2})(?<separator>[/.-])(?<month>\d{1,2})\k<separator>(?<year>\d{4})$/
const YEAR_FIRST = /^(?<year>\d{4})(?<separator>[/-])(?<month>\d{1,2})\k<separator>(?<day>\d{1,2})(?:[T ].*)?$/s
const NAMED_MONTH = /^(?<day>\d{1,2})(?<separator>[ -])(?<name>[a-z]{3})\k<separator>(?<year>\d{4})$/i

/** `yyyy-MM-dd`, of a real day in the years 0001..9999. Of two numbers the day comes first, always. */
function normalDate(date: string | null): string | Rejection {
  const text = date?.trim() ?? ''
  if (text === '') return reject('date_missing')
  const {
    year = '',
    month,
    name = '',
    day = '',
  } = (DAY_FIRST.exec(text) ?? YEAR_FIRST.exec(text) ?? NAMED_MONTH.exec(text))?.groups ?? {}
  const monthNumber = month === undefined ? MONTHS.indexOf(name.toLowerCase()) + 1 : Number(month)
  if (Number(year) < 1 || dayMillis(Number(year), monthNumber, Number(day)) === undefined) return reject('date_invalid')
  return `${year}-${String(monthNumber).padStart(2, '0')}-${day.padStart(2, '0')}`
}

/** White space squeezed, and each word, parted by spaces only, with its first letter in upper case. */
const normalCountry = (country: string | null): string =>
  (country ?? '')
    .trim()
    .replace(/\s+/g, ' ')
    .toLowerCase()
    .replace(/(^| )(\S)/gu, (_, space: string, letter: string) => space + letter.toUpperCase())

/** Four numbers 0..255 without leading zeros, parted by dots, with nothing around them. */
const isDottedQuad = (address: string | null): boolean =>
  /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/.test(address ?? '') && !(address ?? '').includes('\n')
