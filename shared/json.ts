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

const EDGES = /^[ \t\r\n\ufeff]+|[ \t\r\n]+$/g

/** Removes the white space of JSON around a line, and a byte order mark before it. */
export const trimLine = (line: string): string => line.replace(EDGES, '')
