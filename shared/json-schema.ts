import * as z from 'zod/mini'
import type { EventType } from './event-type.ts'
import { MAX_NAME_CHARACTERS } from './limits.ts'

/** The parts of JSON Schema (2020-12) that schemas of event types use. */
export interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly anyOf?: readonly JsonSchema[]
  readonly description?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly minimum?: number
  readonly exclusiveMaximum?: number
  readonly pattern?: string
}

/** The JSON Schema of a raw row as a client sends it. Fields that the server adds are left out; extra fields are allowed. */
export function jsonSchemaOf({ name, about, idField, fields }: EventType): JsonSchema {
  const id = z.optional(z.nullable(z.string().check(z.minLength(1), z.maxLength(MAX_NAME_CHARACTERS))))
  const { $schema, ...schema } = z.toJSONSchema(z.looseObject({ [idField]: id, ...fields }), { io: 'input' })
  return { $schema, title: name, description: about, ...schema } as JsonSchema
}
