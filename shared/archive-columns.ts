import type * as z from 'zod/mini'
import type { EventType } from './event-type.ts'

/**
 * Glue types of the archive's columns. Integers are bigint and measures double: Firehose's JSON reader silently misreads
 * narrower types.
 */
export type ColumnType = 'string' | 'bigint' | 'double' | 'boolean'

export interface Column {
  readonly name: string
  readonly type: ColumnType
  readonly about: string
}

/** Prefix of the objects that Firehose writes, followed by `dt=YYYY-MM-DD/hour=HH/` of the arrival: the raw archive. */
export const ARCHIVE_PREFIX = 'events/'

/** Prefixes of what the compaction writes, each followed by `dt=YYYY-MM-DD/` of the arrival. */
export const COMPACTED_PREFIX = 'archive/'
export const REPETITIONS_PREFIX = 'repetitions/'
export const MANIFESTS_PREFIX = 'manifests/'

/** Prefix of the records that Firehose could not convert. */
export const ARCHIVE_ERROR_PREFIX = 'errors/'

/** Glue tables of the archive: the raw objects, the compacted days, and the repetitions of compacted days. */
export const RAW_TABLE = 'events'
export const COMPACTED_TABLE = 'archive'
export const REPETITIONS_TABLE = 'repetitions'

/** Prefix of the published reports. */
export const REPORTS_PREFIX = 'reports/'

export const envelopeColumns: readonly Column[] = [
  {
    name: 'event_id',
    type: 'string',
    about: 'Id of the event; source, event_type, subject and event_id together are its identity.',
  },
  { name: 'event_type', type: 'string', about: 'Event type.' },
  { name: 'subject', type: 'string', about: 'User or device; null for types without one.' },
  {
    name: 'source',
    type: 'string',
    about: 'Sender of the event: the name of the write key, unless the sender states another source.',
  },
  { name: 'key_id', type: 'string', about: 'Id of the key that sent the event, as `millrace keys list` shows it.' },
  { name: 'event_time_us', type: 'bigint', about: 'Time of the event in microseconds since 1970.' },
  { name: 'received_time_us', type: 'bigint', about: 'Time of arrival in microseconds since 1970.' },
]

const dataColumn: Column = { name: 'data', type: 'string', about: 'JSON text of all fields that have no column.' }

/** The column of a field: `page_visit_url` for `Url` of `page_visit`. */
export const columnName = (type: string, field: string): string =>
  `${type}_${field.replace(/([a-z0-9])([A-Z])/g, '$1_$2')}`.toLowerCase().replace(/[^a-z0-9]+/g, '_')

interface FieldColumn extends Column {
  readonly field: string
}

const fieldColumnsOf = new WeakMap<EventType, readonly FieldColumn[]>()

/** The columns of the fields of one event type. */
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

/** All columns of the archive. Throws if two fields get the same name: names in Glue are case-insensitive. */
export function archiveColumns(eventTypes: readonly EventType[]): readonly Column[] {
  const columns = [...envelopeColumns, ...eventTypes.flatMap(fieldColumns), dataColumn]
  const names = columns.map(column => column.name)
  const duplicate = names.find((name, at) => names.indexOf(name) !== at)
  if (duplicate) throw new Error(`Two fields of the catalogue have the same archive column ${duplicate}; rename one of them.`)
  return columns
}

/** The schema inside defaults, nullables and optionals. */
function innermost(schema: z.ZodMiniType): z.ZodMiniType {
  const def = schema._zod.def as { innerType?: z.ZodMiniType }
  return def.innerType ? innermost(def.innerType) : schema
}

/** The column type of a field's values. */
export function columnType(schema: z.ZodMiniType): ColumnType {
  const def = innermost(schema)._zod.def as { type: string; format?: string }
  if (def.type === 'number') return def.format === 'safeint' ? 'bigint' : 'double'
  if (def.type === 'string' || def.type === 'boolean') return def.type
  throw new Error(`A catalogued field cannot be of the type ${def.type}. Use a string, a number, an integer or a boolean.`)
}
