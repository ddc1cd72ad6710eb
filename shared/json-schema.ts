import * as z from 'zod/mini'
import type { EventType } from './event-type.ts'

/** A JSON Schema (2020-12), as far as ours go. */
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

/** The JSON Schema of a raw row as it is sent: what the server adds is not in it, and extra fields are allowed. */
export function jsonSchemaOf({ name, about, idField, fields }: EventType): JsonSchema {
  const id = z.optional(z.nullable(z.string().check(z.minLength(1), z.maxLength(128))))
  const { $schema, ...schema } = z.toJSONSchema(z.looseObject({ [idField]: id, ...fields }), { io: 'input' })
  return { $schema, title: name, description: about, ...schema } as JsonSchema
}
