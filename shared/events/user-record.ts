import { defineEvent, flag, integer, nullable, text } from '../event-type.ts'
import { type Rejection, reject } from '../rejections.ts'
import { dayMillis, inRange, millisToMicros } from '../time.ts'

export const userRecord = defineEvent({
  name: 'user_record',
  about: 'A record of a user from an imported file.',
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

/** The e-mail, trimmed and in lower case; null if empty or absent. */
export const normalEmail = (email: string | null): string | null => email?.trim().toLowerCase() || null

/** The e-mail, else the id. An e-mail that looks like an id gets a prefix in capitals, which no e-mail in lower case can have. */
function userOf(email: string | null, id: number): string {
  if (email === null) return `id:${id}`
  return email.startsWith('id:') ? `EMAIL:${email}` : email
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const DAY_FIRST = /^(?<day>\d{1,2})(?<separator>[/.-])(?<month>\d{1,2})\k<separator>(?<year>\d{4})$/
const YEAR_FIRST = /^(?<year>\d{4})(?<separator>[/-])(?<month>\d{1,2})\k<separator>(?<day>\d{1,2})(?:[T ].*)?$/s
const NAMED_MONTH = /^(?<day>\d{1,2})(?<separator>[ -])(?<name>[a-z]{3})\k<separator>(?<year>\d{4})$/i

/** The date as `YYYY-MM-DD`, if it is an existing day in the years 0001 to 9999. In `1/2/2020` the day comes before the month. */
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

/** The country with single spaces and the first letter of each word in upper case. Only spaces separate words. */
const normalCountry = (country: string | null): string =>
  (country ?? '')
    .trim()
    .replace(/\s+/g, ' ')
    .toLowerCase()
    .replace(/(^| )(\S)/gu, (_, space: string, letter: string) => space + titleCase(letter))

/** The letter in upper case. Of several that it becomes only the first, as in `Ss`: a replay conforms the country again. */
function titleCase(letter: string): string {
  const [first = '', ...others] = letter.toUpperCase()
  return first + others.join('').toLowerCase()
}

/** Whether the address is IPv4 in dotted decimal without leading zeros, and without any other character. */
const isDottedQuad = (address: string | null): boolean =>
  /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/.test(address ?? '') && !(address ?? '').includes('\n')
