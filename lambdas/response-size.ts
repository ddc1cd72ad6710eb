import { MAX_PAGE_BYTES, MAX_RESPONSE_BYTES } from '../shared/limits.ts'

/** The bytes of a JSON value in a response: as text, and as Lambda counts it, which holds the text as a JSON string. */
interface ResponseBytes {
  readonly text: number
  readonly counted: number
}

/** What a response has beside its rows: status, headers, other members, cursor. */
const RESERVED_BYTES = 16 * 2 ** 10
const COMMA_BYTES = 1

function bytesOf(value: unknown): ResponseBytes {
  const text = JSON.stringify(value)
  return { text: Buffer.byteLength(text), counted: Buffer.byteLength(JSON.stringify(text)) }
}

/**
 * Returns a function that says whether one more row fits into a response, which may have MAX_PAGE_BYTES as text and MAX_RESPONSE_BYTES as
 * Lambda counts it. `share`: the part of a response that the rows may have, from 0 to 1.
 */
export function responseRoom(share = 1): (row: unknown) => boolean {
  let text = RESERVED_BYTES
  let counted = RESERVED_BYTES
  return row => {
    const bytes = bytesOf(row)
    text += bytes.text + COMMA_BYTES
    counted += bytes.counted + COMMA_BYTES
    return text <= MAX_PAGE_BYTES * share && counted <= MAX_RESPONSE_BYTES * share
  }
}

/** The first of these rows that fit together into this share of a response. */
export function rowsThatFit<Row>(rows: readonly Row[], share = 1): Row[] {
  const fits = responseRoom(share)
  const end = rows.findIndex(row => !fits(row))
  return end < 0 ? [...rows] : rows.slice(0, end)
}
