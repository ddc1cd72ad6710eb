import { createHash } from 'node:crypto'
import { isExactInteger } from '../shared/exact-json.ts'

const DIGITS = 16

/** The first 8 bytes of the SHA-256 of a text in hexadecimal. */
export const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, DIGITS)

/** JSON text that does not depend on the order of fields. Integers of any size are text. */
export const canonicalText = (value: unknown): string => JSON.stringify(value, sortFields)

const sortFields = (_name: string, value: unknown): unknown => {
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null || Array.isArray(value) || isExactInteger(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
