import { isExactInteger } from './exact-json.ts'

export type JsonObject = Readonly<Record<string, unknown>>

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isExactInteger(value)

/** The value of JSON text; undefined if the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The content type of a body whose lines are its elements, even if the whole body is one JSON value. */
export const LINES_CONTENT_TYPE = 'application/x-ndjson; elements=lines'

const BLANKS = ' \t\r\n'
const BYTE_ORDER_MARK = '\ufeff'

/**
 * Removes the white space of JSON around a line, and a byte order mark before it. A pattern for the end of the line would take a time
 * that is quadratic in the white space inside it.
 */
export function trimLine(line: string): string {
  const isAt = (characters: string, at: number): boolean => characters.includes(line.charAt(at))
  let [start, end] = [0, line.length]
  while (start < end && isAt(BLANKS + BYTE_ORDER_MARK, start)) start += 1
  while (end > start && isAt(BLANKS, end - 1)) end -= 1
  return line.slice(start, end)
}
