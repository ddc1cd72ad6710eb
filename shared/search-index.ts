import { createHash } from 'node:crypto'
import type * as z from 'zod/mini'
import { type Projection, projectionKey } from './projection.ts'
import { formatInstant } from './time.ts'

/** The index of a projection; the alias over it is the projection's name. */
export const indexOf = (projection: Pick<Projection, 'name' | 'revision'>): string => projectionKey(projection)

const ID_BYTES = 512 // OpenSearch refuses a longer _id

/** `_id` of a projection's document: the user, the user#window, or the window; a hash where that is longer than 512 bytes. */
export function documentId(user: string | null, windowStart: number | null): string {
  const window = windowStart === null ? null : formatInstant(BigInt(windowStart) * 1_000_000n)
  const id = [user, window].filter(part => part !== null).join('#')
  return Buffer.byteLength(id) <= ID_BYTES ? id : createHash('sha256').update(id).digest('hex')
}

export type Mapping = { enabled?: boolean; type?: string; ignore_above?: number; properties?: Record<string, Mapping> }

/** A longer term than 32,766 bytes would refuse the whole document; such a value stays in the document and is not indexed. */
export const keyword: Mapping = { type: 'keyword', ignore_above: 8191 }

/** The strict index mapping of a document's shape. */
export function mappingOf(shape: z.ZodMiniObject): { dynamic: 'strict'; properties: Record<string, Mapping> } {
  return { dynamic: 'strict', properties: propertiesOf(shape) }
}

const propertiesOf = (shape: z.ZodMiniObject): Record<string, Mapping> =>
  Object.fromEntries(Object.entries(shape.shape).map(([field, schema]) => [field, fieldMapping(schema as z.ZodMiniType)]))

export function fieldMapping(schema: z.ZodMiniType): Mapping {
  const def = schema._zod.def as { type: string; format?: string; innerType?: z.ZodMiniType; element?: z.ZodMiniType }
  const inner = def.innerType ?? def.element
  if (inner) return fieldMapping(inner)
  // Fields that clients name are kept and not indexed: each would be a field of the mapping.
  if (def.type === 'record') return { type: 'object', enabled: false }
  if (def.type === 'object') return { properties: propertiesOf(schema as z.ZodMiniObject) }
  if (def.type === 'number') return { type: def.format === 'safeint' ? 'long' : 'double' }
  if (def.type === 'boolean') return { type: 'boolean' }
  if (def.type === 'string') return def.format === 'datetime' ? { type: 'date' } : keyword
  throw new Error(`A document field cannot be a ${def.type}; use objects, arrays, strings, numbers and booleans.`)
}
