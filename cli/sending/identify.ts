import { isObject } from '../../shared/json.ts'

const CLOSING_BRACE = 0x7d

/**
 * Gives a row without an id this one, so that it is recognised when it is sent again. The text is otherwise left as it is
 * (parsing and printing would round long numbers); what is no JSON object stays as it is, for the API to judge.
 */
export function identify(text: Buffer, idField: string, id: string): Buffer {
  const row = parse(text)
  if (!isObject(row) || (row[idField] !== undefined && row[idField] !== null) || text.at(-1) !== CLOSING_BRACE) return text
  const comma = Object.keys(row).length > 0 ? ',' : ''
  return Buffer.concat([text.subarray(0, -1), Buffer.from(`${comma}${JSON.stringify(idField)}:${JSON.stringify(id)}}`)])
}

function parse(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString())
  } catch {
    return undefined
  }
}
