import { byBytes, countOf, isIntegerOrNull, isName, isTextOrNull, minuteOf, type Row } from './lines.ts'

/** A record with an own time; every record that the demo sends has one. */
export interface UserRecord {
  readonly event_id: string
  readonly id: number
  readonly email: string | null
  readonly gender: string | null
  readonly date: string
  readonly country: string
  /** Milliseconds since 1970. */
  readonly arrived_at: number
}

export interface CountryMinute {
  readonly window_start: string
  readonly events: number
  readonly unique_users: number
  readonly females: number
  readonly most: { readonly count: number; readonly countries: readonly string[] }
  readonly least: { readonly count: number; readonly countries: readonly string[] }
}

const TEXTS = ['first_name', 'last_name', 'email', 'gender', 'ip_address', 'date', 'country']

/** Whether a record is valid and its date and country are usable. */
export const isRecord = (row: Row): boolean =>
  isName(row['event_id']) &&
  Number.isSafeInteger(row['id']) &&
  TEXTS.every(field => isTextOrNull(row[field])) &&
  isIntegerOrNull(row['arrived_at']) &&
  isDay(String(row['date'] ?? '').trim()) &&
  words(row['country']).length > 0

/** The e-mail, trimmed and in lower case, else `id:` and the id. An e-mail that begins with `id:` gets a prefix. */
export function userOfRecord(row: Row): string {
  const email = tidy(row['email'])
  if (email === '') return `id:${row['id']}`
  return email.startsWith('id:') ? `EMAIL:${email}` : email
}

const words = (country: unknown): string[] =>
  String(country ?? '')
    .split(/\s+/)
    .filter(word => word !== '')

const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ')

function isDay(text: string): boolean {
  const yearFirst = /^\d{4}[/-]/.test(text)
  const day = yearFirst ? (text.split(/[T ]/)[0] ?? '') : text
  const separator = /[^\da-z]/i.exec(day)?.[0] ?? ','
  const parts = day.split(separator)
  const named = MONTHS.indexOf(parts[1]?.toLowerCase() ?? '') + 1
  if (parts.length !== 3 || !(yearFirst ? '-/' : named > 0 ? '- ' : '-/.').includes(separator)) return false
  const [d = '', m = '', y = ''] = yearFirst ? parts.reverse() : parts
  if (!/^\d\d?$/.test(d) || !/^\d{4}$/.test(y) || !(named > 0 ? !yearFirst : /^\d\d?$/.test(m))) return false
  return Number(d) >= 1 && Number(d) <= daysIn(named || Number(m), Number(y)) && Number(y) >= 1
}

function daysIn(month: number, year: number): number {
  const leaps = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
  return [31, leaps ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0
}

const countryOf = ({ country }: UserRecord): string =>
  words(country)
    .map(word => word.toLowerCase())
    .map(word => `${word.charAt(0).toUpperCase()}${word.slice(1)}`)
    .join(' ')

const tidy = (text: unknown): string =>
  String(text ?? '')
    .trim()
    .toLowerCase()

export const countryMinutes = (records: readonly UserRecord[]): CountryMinute[] =>
  [...Map.groupBy(records, record => minuteOf(record.arrived_at / 1000))].map(([window_start, theirs]) => {
    const countries = [...countOf(theirs.map(countryOf))]
    const having = (count: number) => ({
      count,
      countries: countries
        .filter(([, events]) => events === count)
        .map(([country]) => country)
        .sort(byBytes),
    })
    return {
      window_start,
      events: theirs.length,
      unique_users: new Set(theirs.map(record => tidy(record.email)).filter(email => email !== '')).size,
      females: theirs.filter(record => tidy(record.gender) === 'female').length,
      most: having(Math.max(...countries.map(([, events]) => events))),
      least: having(Math.min(...countries.map(([, events]) => events))),
    }
  })
