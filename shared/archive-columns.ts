import type * as z from 'zod/mini'
import type { EventType } from './event-type.ts'

/** Glue types of the archive's columns: integers are bigint, measures double (Firehose's JSON reader misreads narrower ones silently). */
export type ColumnType = 'string' | 'bigint' | 'double' | 'boolean'

export interface Column {
  readonly name: string
  readonly type: ColumnType
  readonly about: string
}

/** Prefix of the archive's objects in its bucket; below it `dt=YYYY-MM-DD/hour=HH/`, by arrival. */
export const ARCHIVE_PREFIX = 'events/'

/** Prefix under which Firehose leaves records that it could not convert. */
export const ARCHIVE_ERROR_PREFIX = 'errors/'

/** Prefix of what the reports publish. */
export const REPORTS_PREFIX = 'reports/'

export const envelopeColumns: readonly Column[] = [
  { name: 'event_id', type: 'string', about: 'Identity, with source and event_type.' },
  { name: 'event_type', type: 'string', about: 'The event type.' },
  { name: 'subject', type: 'string', about: 'The user or device; null for a type without one.' },
  { name: 'source', type: 'string', about: 'Who sent it; the name of the write key unless the client said otherwise.' },
  { name: 'event_time_us', type: 'bigint', about: 'When it happened: microseconds since 1970.' },
  { name: 'received_time_us', type: 'bigint', about: 'When it arrived: microseconds since 1970.' },
]

const dataColumn: Column = { name: 'data', type: 'string', about: 'JSON text of the fields without a column of their own.' }

/** `page_visit` and `Url` make `page_visit_url`. */
export const columnName = (type: string, field: string): string =>
  `${type}_${field.replace(/([a-z0-9])([A-Z])/g, '$1_$2')}`.toLowerCase().replace(/[^a-z0-9]+/g, '_')

interface FieldColumn extends Column {
  readonly field: string
}

const fieldColumnsOf = new WeakMap<EventType, readonly FieldColumn[]>()

/** The columns that the fields of one event type have. */
export function fieldColumns(type: EventType): readonly FieldColumn[] {
  const known = fieldColumnsOf.get(type)
  if (known) return known
  const columns = Object.entries({ ...type.fields, ...type.added }).map(([field, schema]) => ({
    field,
    name: columnName(type.name, field),
    type: columnType(schema),
    about: `${field} of ${type.name}.`,
  }))
  fieldColumnsOf.set(type, columns)
  return columns
}

/** Every column of the archive. Throws when two have the same name: Glue names do not tell cases apart. */
export function archiveColumns(eventTypes: readonly EventType[]): readonly Column[] {
  const columns = [...envelopeColumns, ...eventTypes.flatMap(fieldColumns), dataColumn]
  const names = columns.map(column => column.name)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice) throw new Error(`Two fields of the catalogue would share the archive column ${twice}; rename one of them.`)
  return columns
}

/** The innermost schema below defaults, nullables and optionals. */
export function plain(schema: z.ZodMiniType): z.ZodMiniType {
  const def = schema._zod.def as { innerType?: z.ZodMiniType }
  return def.innerType ? plain(def.innerType) : schema
}

function columnType(schema: z.ZodMiniType): ColumnType {
  const def = plain(schema)._zod.def as { type: string; format?: string }
  if (def.type === 'number') return def.format === 'safeint' ? 'bigint' : 'double'
  if (def.type === 'string' || def.type === 'boolean') return def.type
  throw new Error(`A catalogued field must be a string, a number, an integer or a boolean, not ${def.type}.`)
}
