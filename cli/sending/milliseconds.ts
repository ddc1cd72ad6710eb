import * as z from 'zod/mini'
import type { EventType } from '../../shared/event-type.ts'
import { isObject, parseJson } from '../../shared/json.ts'

/** Milliseconds since 1970 of the years 1973 to 5138. */
const [LEAST, MOST] = [1e11, 1e14]

/** Rows with a time in milliseconds that their type takes as seconds. The API accepts them, with their arrival as the time. */
export function millisecondsFinder(definition: EventType | undefined) {
  const found = { field: '', rows: 0, firstLine: 0 }
  return {
    inspect(text: Buffer, line: number): void {
      const field = definition && millisecondsField(definition, text)
      if (field === undefined) return
      if (found.rows === 0) Object.assign(found, { field, firstLine: line })
      found.rows += 1
    },
    /** A sentence for the sender; undefined if there are no such rows. */
    hint(): string | undefined {
      if (found.rows === 0) return undefined
      const { field, rows, firstLine } = found
      return `${field} looks like milliseconds, but it is in seconds (rows: ${rows}, the first in line ${firstLine}). The time of these events is their arrival.`
    },
  }
}

/** The field whose thousandth would be the time of a valid row that has none. */
function millisecondsField({ fields, time }: EventType, text: Buffer): string | undefined {
  const value = parseJson(text.toString())
  if (!isObject(value)) return undefined
  const suspects = Object.entries(value).filter(([, number]) => typeof number === 'number' && number >= LEAST && number < MOST)
  if (suspects.length === 0) return undefined
  const row = z.safeParse(z.object(fields), value)
  if (!row.success || time(row.data) !== undefined) return undefined
  return suspects.find(
    ([field, number]) =>
      Object.hasOwn(fields, field) && time({ ...row.data, [field]: Math.floor(Number(number) / 1000) }) !== undefined,
  )?.[0]
}
