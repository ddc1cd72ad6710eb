import { parseJson } from '../../shared/json.ts'
import { DEFAULT_PAGE_ROWS, MAX_CURSOR_CHARACTERS, MAX_PAGE_ROWS } from '../../shared/limits.ts'
import { type Rejection, reject } from '../../shared/rejections.ts'
import { floorTo, MICROS_PER_SECOND, parseInstant } from '../../shared/time.ts'

/** Query string parameters as API Gateway passes them. */
export type QueryParameters = Readonly<Record<string, string | undefined>>

/** The rejection of one parameter. The message is the parameter's name followed by `problem`. */
export const invalidParameter = (parameter: string, problem: string): Rejection =>
  reject('invalid_request', `${parameter} ${problem}`)

export const invalidCursor = (): Rejection => invalidParameter('cursor', 'must be a cursor that the same query returned.')

/** Reads `limit`: the most rows on the page. */
export function readLimit({ limit }: QueryParameters): number | Rejection {
  if (limit === undefined) return DEFAULT_PAGE_ROWS
  const rows = /^\d{1,4}$/.test(limit) ? Number(limit) : 0
  const isInRange = rows >= 1 && rows <= MAX_PAGE_ROWS
  return isInRange ? rows : invalidParameter('limit', `must be a whole number from 1 to ${MAX_PAGE_ROWS}.`)
}

/**
 * Reads `from` or `to` in microseconds since 1970, rounded up to a whole second. Windows start at whole seconds, so [from, to)
 * selects the same windows as before the rounding.
 */
export function readSecond(parameters: QueryParameters, name: 'from' | 'to'): bigint | undefined | Rejection {
  const text = parameters[name]
  if (text === undefined) return undefined
  const instant = parseInstant(text)
  if (instant === undefined) return invalidParameter(name, 'must be RFC 3339, such as 2026-01-31T12:00:00Z.')
  const second = floorTo(instant, MICROS_PER_SECOND)
  return second === instant ? instant : second + MICROS_PER_SECOND
}

/** The position of a row is the list of its values in the fields that its page is sorted by. */
export type PositionValue = string | number | null

export type PositionType = 'string' | 'number' | 'string or null'

export const isPositionValue = (value: unknown, type: PositionType): value is PositionValue =>
  type === 'string or null' ? value === null || typeof value === 'string' : typeof value === type

/** Encodes the position of a page's last row. Callers must not interpret a cursor. */
export const writeCursor = (position: readonly PositionValue[]): string =>
  Buffer.from(JSON.stringify(position)).toString('base64url')

/** Reads the position in `cursor`; undefined without a cursor. Its values must have exactly these types. */
export function readCursor({ cursor }: QueryParameters, types: readonly PositionType[]): PositionValue[] | undefined | Rejection {
  if (cursor === undefined) return undefined
  const position = decodeCursor(cursor)
  return isPosition(position, types) ? position : invalidCursor()
}

function decodeCursor(cursor: string): unknown {
  if (cursor.length > MAX_CURSOR_CHARACTERS || !/^[\w-]+$/.test(cursor)) return undefined
  return parseJson(Buffer.from(cursor, 'base64url').toString())
}

const isPosition = (value: unknown, types: readonly PositionType[]): value is PositionValue[] =>
  Array.isArray(value) && value.length === types.length && types.every((type, at) => isPositionValue(value[at], type))
