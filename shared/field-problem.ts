import * as z from 'zod/mini'
import { type ColumnType, columnType } from './archive-columns.ts'
import { isName } from './event.ts'
import type { Fields } from './event-type.ts'
import { toNumber } from './exact-json.ts'
import type { JsonObject } from './json.ts'

const EXPECTED: Readonly<Record<ColumnType, string>> = {
  string: 'a string',
  bigint: 'an integer',
  double: 'a number',
  boolean: 'true or false',
}

/** The JSON type of a value, with its article. Messages name it instead of the value: they never repeat what the client sent. */
export function jsonType(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  const type = typeof toNumber(value)
  return type === 'object' ? 'an object' : `a ${type}`
}

const memberOf = (object: object, name: string): unknown => (object as JsonObject)[name]

/** Why a member of an object is not what it must be: it is missing, misspelled, or has another JSON type. */
export function typeProblem(object: object, name: string, expected: string): string {
  const value = memberOf(object, name)
  if (value !== undefined) return `${name} must be ${expected}, not ${jsonType(value)}.`
  const spelling = otherSpelling(object, name)
  if (spelling === undefined) return `${name} is missing; it must be ${expected}.`
  return `${name} is missing, but there is ${spelling}; names are case-sensitive.`
}

/** A member whose name differs only in case. Only a name of plain letters is returned, because it goes into a message. */
export const otherSpelling = (object: object, name: string): string | undefined =>
  Object.keys(object).find(other => /^\w+$/.test(other) && other !== name && other.toLowerCase() === name.toLowerCase())

/** Why a member is not a name of at most `most` characters; undefined if it is. */
export function nameProblem(object: object, name: string, most: number): string | undefined {
  const value = memberOf(object, name)
  if (isName(value, most)) return undefined
  const expected = `a string of 1 to ${most} characters`
  if (typeof value !== 'string') return typeProblem(object, name, expected)
  if (value === '') return `${name} must be ${expected}, not empty.`
  return value.isWellFormed()
    ? `${name} must be ${expected}, not longer.`
    : `${name} must be ${expected}; it contains half of a surrogate pair.`
}

/** Why a field of a row is invalid, as a sentence for the sender. */
export function fieldProblem(issue: z.core.$ZodIssue, row: JsonObject, fields: Fields): string {
  const name = String(issue.path[0])
  const schema = fields[name]
  const expected = schema ? expectedOf(schema) : 'valid'
  if (issue.code !== 'invalid_type') return `${name} ${valueProblem(issue)}`
  if (typeof row[name] !== 'number' || !/integer|number/.test(expected)) return typeProblem(row, name, expected)
  return `${name} must be ${expected}, not ${Number.isFinite(row[name]) ? 'a number with a fraction' : 'infinite'}.`
}

const expectedOf = (schema: z.ZodMiniType): string =>
  EXPECTED[columnType(schema)] + (z.safeParse(schema, null).success ? ' or null' : '')

/** The message of the schema library for a check that has no message of its own. */
const DEFAULT_MESSAGE = 'Invalid input'

/** Why a value of the right JSON type is invalid. The message of a check in the type's definition wins. */
function valueProblem(issue: z.core.$ZodIssue): string {
  if (issue.message !== DEFAULT_MESSAGE) return issue.message
  if (issue.code === 'too_small' || issue.code === 'too_big') return rangeProblem(issue)
  if (issue.code === 'invalid_format') return `must have the form ${issue.pattern ?? issue.format}.`
  return 'is invalid.'
}

function rangeProblem(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  if (issue.origin === 'int')
    return `is out of range; it must be an integer from ${Number.MIN_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER}.`
  const [limit, inside, beyond] =
    issue.code === 'too_small' ? [issue.minimum, 'at least', 'more than'] : [issue.maximum, 'at most', 'less than']
  const bound = `${issue.inclusive === false ? beyond : inside} ${limit}`
  return issue.origin === 'string' ? `must have ${bound} characters.` : `is out of range; it must be ${bound}.`
}
