import * as z from 'zod/mini'
import { type Event, isName } from './event.ts'
import type { EventType } from './event-type.ts'
import { isObject } from './json.ts'
import { MAX_NAME_CHARACTERS, MAX_SOURCE_CHARACTERS } from './limits.ts'
import { inRange, isInYears } from './time.ts'

/** Whether the fields beside the data are such as ingest writes. Anybody who may write to the stream can write others. */
export const isStoredEnvelope = ({ id, source, type, subject, time, stated, received, keyId }: Event): boolean =>
  isName(id, MAX_NAME_CHARACTERS) &&
  isName(source, MAX_SOURCE_CHARACTERS) &&
  isName(type, MAX_NAME_CHARACTERS) &&
  (subject === null || isName(subject, MAX_NAME_CHARACTERS)) &&
  (keyId === undefined || isName(keyId, MAX_NAME_CHARACTERS)) &&
  inRange(time) !== undefined &&
  (stated === undefined || (Number.isInteger(stated) && isInYears(stated))) &&
  isInYears(received / 1000)

const schemas = new WeakMap<EventType, z.ZodMiniType>()

/** The schema of a conformed row. */
function schemaOf(type: EventType): z.ZodMiniType {
  const known = schemas.get(type)
  if (known) return known
  const schema = z.looseObject({ ...type.fields, ...type.added })
  schemas.set(type, schema)
  return schema
}

/** Whether the data is a row that the type's definition gives, and its user the event's subject. */
export function isStoredRow({ data, subject }: Event, type: EventType): boolean {
  try {
    return isObject(data) && z.safeParse(schemaOf(type), data).success && type.user(data) === subject
  } catch {
    return false
  }
}
