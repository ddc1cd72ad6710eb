import { createHash } from 'node:crypto'
import type * as z from 'zod/mini'
import { type Event, type EventType, isObject } from './event.ts'
import { type Projection, projectionKey } from './projection.ts'
import { formatInstant, millisToMicros } from './time.ts'

/** The index of a projection; the alias over it is the projection's name. */
export const indexOf = (projection: Pick<Projection, 'name' | 'revision'>): string => projectionKey(projection)

const ID_BYTES = 512 // OpenSearch refuses a longer _id

/** `_id` of a projection's document: the user, the user#window, or the window; a hash where that is longer than 512 bytes. */
export function documentId(user: string | null, windowStart: number | null): string {
  const window = windowStart === null ? null : formatInstant(BigInt(windowStart) * 1_000_000n)
  const id = [user, window].filter(part => part !== null).join('#')
  return Buffer.byteLength(id) <= ID_BYTES ? id : createHash('sha256').update(id).digest('hex')
}

type Mapping = { enabled?: boolean; type?: string; ignore_above?: number; properties?: Record<string, Mapping> }

/** A longer term than 32,766 bytes would refuse the whole document; such a value stays in the document and is not indexed. */
const keyword: Mapping = { type: 'keyword', ignore_above: 8191 }

/** The strict index mapping of a document's shape. */
export function mappingOf(shape: z.ZodMiniObject): { dynamic: 'strict'; properties: Record<string, Mapping> } {
  return { dynamic: 'strict', properties: propertiesOf(shape) }
}

const propertiesOf = (shape: z.ZodMiniObject): Record<string, Mapping> =>
  Object.fromEntries(Object.entries(shape.shape).map(([field, schema]) => [field, fieldMapping(schema as z.ZodMiniType)]))

function fieldMapping(schema: z.ZodMiniType): Mapping {
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

/** Types without a definition share one index a day: their names are the clients'. */
const UNCATALOGUED = 'uncatalogued'
const DAY_MICROS = 86_400_000_000n

/** The raw events' indices of one type, or of all types without a definition. */
export const eventIndexPattern = (type: EventType | undefined): string => `events-${type?.name ?? UNCATALOGUED}-*`

/**
 * The index of a raw event: that of its day while the day lies within the retention, counted back from the event's own
 * arrival and not from any clock, so that a re-delivery finds the same index; else the one for all other days.
 */
export function eventIndex(event: Event, type: EventType | undefined, retentionDays: number): string {
  const received = millisToMicros(event.received)
  const isRecent = event.time <= received && event.time > received - BigInt(retentionDays) * DAY_MICROS
  const day = isRecent ? formatInstant(event.time).slice(0, 10).replaceAll('-', '.') : 'other'
  return `events-${type?.name ?? UNCATALOGUED}-${day}`
}

/** The days, as in index names, that lie wholly before the retention. */
export const isExpiredDay = (day: string, now: number, retentionDays: number): boolean =>
  day <
  formatInstant(millisToMicros(now - (retentionDays + 1) * 86_400_000))
    .slice(0, 10)
    .replaceAll('-', '.')

/** A raw event's document: the envelope, then the fields of its type; what has no field of its own is kept, unindexed, in `data`. */
export function eventDocument(event: Event, type: EventType | undefined): Readonly<Record<string, unknown>> {
  const envelope = {
    event_id: event.id,
    event_type: event.type,
    subject: event.subject,
    source: event.source,
    event_time: formatInstant(event.time),
    received: formatInstant(millisToMicros(event.received)),
  }
  const data: Record<string, unknown> = isObject(event.data)
    ? { ...event.data }
    : event.data === null
      ? {}
      : { value: event.data }
  const fields: Record<string, unknown> = {}
  for (const field of type ? fieldsOf(type) : []) {
    if (field in envelope) continue
    fields[field] = data[field] ?? null
    delete data[field]
  }
  return { ...fields, ...envelope, ...(Object.keys(data).length > 0 && { data }) }
}

const fieldsOf = (type: EventType): string[] => Object.keys({ ...type.fields, ...type.added })

/** The strict mapping of `eventDocument`. */
export function eventMapping(type: EventType | undefined): { dynamic: 'strict'; properties: Record<string, Mapping> } {
  const fields = Object.entries({ ...type?.fields, ...type?.added }).map(([field, schema]) => [field, fieldMapping(schema)])
  const instants = { event_time: { type: 'date' }, received: { type: 'date' } }
  const envelope = { event_id: keyword, event_type: keyword, subject: keyword, source: keyword, ...instants }
  return {
    dynamic: 'strict',
    properties: { ...Object.fromEntries(fields), ...envelope, data: { type: 'object', enabled: false } },
  }
}
