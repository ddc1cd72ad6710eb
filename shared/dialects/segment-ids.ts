import { createHash } from 'node:crypto'
import type { Element } from '../dialect.ts'
import { toNumber } from '../exact-json.ts'
import type { JsonObject } from '../json.ts'
import { memberText, withoutMember } from '../json-pieces.ts'

/** The fields of a call that name something. */
const ID_FIELDS = ['messageId', 'userId', 'anonymousId', 'groupId', 'previousId'] as const

/** An integer in plain digits, as JSON text. */
const DIGITS = /^(?:0|-?[1-9]\d*)$/

/** The call with ids that are integers as the digits that were sent: a number would be rounded beyond 2^53. */
export function withExactIds(call: JsonObject, { text }: Pick<Element, 'text'>): JsonObject {
  const numbers = ID_FIELDS.filter(field => typeof toNumber(call[field]) === 'number')
  if (numbers.length === 0) return call
  const digits = numbers.map(field => [field, memberText(text, field)] as const).filter(([, source]) => DIGITS.test(source))
  return { ...call, ...Object.fromEntries(digits) }
}

/** The first of these fields that is neither text nor null: a rounded number or a boolean must not become an identity. */
const notText = (call: JsonObject, fields: readonly (typeof ID_FIELDS)[number][]): string | undefined =>
  fields.find(field => call[field] != null && typeof call[field] !== 'string')

/** Why the ids of a call cannot be used, as a sentence for the sender. Ids that the call does not use are not checked. */
export function idProblem(call: JsonObject): string | undefined {
  const users = textOf(call['userId']) === undefined ? (['userId', 'anonymousId'] as const) : (['userId'] as const)
  const groups = call['type'] === 'group' ? (['groupId'] as const) : []
  const field = notText(call, ['messageId', ...users, ...groups])
  return field && `${field} must be a string or an integer in plain digits; send it as text.`
}

/** The user; null if the ids are null, empty or absent. */
export const userOf = ({ userId, anonymousId }: JsonObject): string | null => textOf(userId) ?? textOf(anonymousId) ?? null

/** The value if it is non-empty text. */
export const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

/**
 * The id of an event that has none: a hash of its bytes, so that a re-send gets the same id. A re-send has another `sentAt`, so
 * that is not part of it.
 */
export const hashOf = (keyName: string, { value, text }: Element): string =>
  createHash('sha256')
    .update(JSON.stringify([keyName, Object.hasOwn(value as object, 'sentAt') ? withoutMember(text, 'sentAt') : text]))
    .digest('hex')
