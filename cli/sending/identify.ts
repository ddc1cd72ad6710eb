import { isObject, parseJson } from '../../shared/json.ts'

const CLOSING_BRACE = 0x7d

/**
 * Adds the id to a row that has none, so that the row is a duplicate when it is sent again. Other bytes do not change: parsing
 * and serialising would round long numbers. Text that is not a JSON object is returned unchanged; the API decides about it.
 */
export function identify(text: Buffer, idField: string, id: string): Buffer {
  const row = parseJson(text.toString())
  if (!isObject(row) || (row[idField] !== undefined && row[idField] !== null) || text.at(-1) !== CLOSING_BRACE) return text
  const comma = Object.keys(row).length > 0 ? ',' : ''
  return Buffer.concat([text.subarray(0, -1), Buffer.from(`${comma}${JSON.stringify(idField)}:${JSON.stringify(id)}}`)])
}
