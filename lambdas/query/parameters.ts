import { type Rejection, reject } from '../../shared/rejections.ts'
import { parseInstant } from '../../shared/time.ts'

/** The parameters after the question mark, as API Gateway hands them over. */
export type Parameters = Readonly<Record<string, string | undefined>>

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1000

export const invalidParameter = (parameter: string, wanted: string): Rejection =>
  reject('invalid_request', `${parameter} ${wanted}`)

/** `limit`: how many documents or rows an answer holds at most. */
export function readLimit({ limit }: Parameters): number | Rejection {
  if (limit === undefined) return DEFAULT_LIMIT
  const count = /^\d{1,4}$/.test(limit) ? Number(limit) : 0
  return count >= 1 && count <= MAX_LIMIT ? count : invalidParameter('limit', `must be a whole number from 1 to ${MAX_LIMIT}.`)
}

/**
 * `from` or `to`: the first whole second at or after the instant, as microseconds since 1970. Windows start at whole seconds, so
 * that [from, to) is the same with it.
 */
export function readSecond(parameters: Parameters, name: 'from' | 'to'): bigint | undefined | Rejection {
  const text = parameters[name]
  if (text === undefined) return undefined
  const instant = parseInstant(text)
  if (instant === undefined) return invalidParameter(name, 'must be RFC 3339, such as 2026-01-31T12:00:00Z.')
  const past = ((instant % 1_000_000n) + 1_000_000n) % 1_000_000n
  return past === 0n ? instant : instant - past + 1_000_000n
}

const CURSOR = /^[\w-]{1,2000}$/

/** Where the next page begins: opaque to the caller. */
export const writeCursor = (position: readonly (string | number)[]): string =>
  Buffer.from(JSON.stringify(position)).toString('base64url')

/** The position in a `cursor`, undefined without one; it must hold values of just these types. */
export function readCursor(
  { cursor }: Parameters,
  types: readonly ('string' | 'number')[],
): (string | number)[] | undefined | Rejection {
  if (cursor === undefined) return undefined
  const position = CURSOR.test(cursor) ? parsed(Buffer.from(cursor, 'base64url').toString()) : undefined
  const fits =
    Array.isArray(position) && position.length === types.length && types.every((type, at) => typeof position[at] === type)
  return fits
    ? (position as (string | number)[])
    : invalidParameter('cursor', 'must be the cursor of an answer to the same query.')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
