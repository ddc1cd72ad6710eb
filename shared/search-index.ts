import { createHash } from 'node:crypto'
import type * as z from 'zod/mini'
import { type Projection, projectionKey } from './projection.ts'
import { parseWindowInstant, windowInstant } from './time.ts'

/** The index of a projection. Its alias is the projection's name. */
export const indexOf = (projection: Pick<Projection, 'name' | 'revision'>): string => projectionKey(projection)

/** OpenSearch rejects a longer `_id`. */
const MAX_ID_BYTES = 512

/** `_id` of a projection's document: `user`, `user#window` or `window`, or its SHA-256 if it is longer than 512 bytes. */
export function documentId(user: string | null, windowStart: number | null): string {
  const window = windowStart === null ? null : windowInstant(windowStart)
  const id = [user, window].filter(part => part !== null).join('#')
  return Buffer.byteLength(id) <= MAX_ID_BYTES ? id : createHash('sha256').update(id).digest('hex')
}

/** The inverse of `documentId` for a document of a window; undefined for another one, and for a hash. The user is empty if it has none. */
export function windowOfId(id: string): { readonly user: string; readonly start: number } | undefined {
  const at = id.lastIndexOf('#')
  const start = parseWindowInstant(id.slice(at + 1))
  return start === undefined ? undefined : { user: id.slice(0, Math.max(at, 0)), start }
}

export type Mapping = { enabled?: boolean; type?: string; ignore_above?: number; properties?: Record<string, Mapping> }

/** Lucene rejects a document with a longer term. */
const MAX_TERM_BYTES = 32_766
const MAX_BYTES_PER_CHARACTER = 4

/** A value that could be too long for a term stays in the document but is not indexed. */
export const keyword: Mapping = {
  type: 'keyword',
  ignore_above: Math.floor(MAX_TERM_BYTES / MAX_BYTES_PER_CHARACTER),
}

/** The strict index mapping of a document's shape. */
export function mappingOf(shape: z.ZodMiniObject): { dynamic: 'strict'; properties: Record<string, Mapping> } {
  return { dynamic: 'strict', properties: propertiesOf(shape) }
}

const propertiesOf = (shape: z.ZodMiniObject): Record<string, Mapping> =>
  Object.fromEntries(Object.entries(shape.shape).map(([field, schema]) => [field, fieldMapping(schema as z.ZodMiniType)]))

/** The mapping of one field. Throws if OpenSearch has no type for it. */
export function fieldMapping(schema: z.ZodMiniType): Mapping {
  const def = schema._zod.def as { type: string; format?: string; innerType?: z.ZodMiniType; element?: z.ZodMiniType }
  const inner = def.innerType ?? def.element
  if (inner) return fieldMapping(inner)
  // Clients choose the names in a record. They are not indexed, because each would add a field to the mapping.
  if (def.type === 'record') return { type: 'object', enabled: false }
  if (def.type === 'object') return { properties: propertiesOf(schema as z.ZodMiniObject) }
  if (def.type === 'number') return { type: def.format === 'safeint' ? 'long' : 'double' }
  if (def.type === 'boolean') return { type: 'boolean' }
  if (def.type === 'string') return def.format === 'datetime' ? { type: 'date' } : keyword
  throw new Error(`A document field cannot be of the type ${def.type}. Use an object, array, string, number or boolean.`)
}
