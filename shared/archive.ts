import type * as z from 'zod/mini'
import type { Event, EventType } from './event.ts'

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
function plain(schema: z.ZodMiniType): z.ZodMiniType {
  const def = schema._zod.def as { innerType?: z.ZodMiniType }
  return def.innerType ? plain(def.innerType) : schema
}

function columnType(schema: z.ZodMiniType): ColumnType {
  const def = plain(schema)._zod.def as { type: string; format?: string }
  if (def.type === 'number') return def.format === 'safeint' ? 'bigint' : 'double'
  if (def.type === 'string' || def.type === 'boolean') return def.type
  throw new Error(`A catalogued field must be a string, a number, an integer or a boolean, not ${def.type}.`)
}

/**
 * One event as the flat JSON line that travels in the stream: Firehose converts its keys to columns, the other readers
 * use `fromLine`. The two times come first, as exact digits beyond 2^53.
 */
export function toLine(event: Event, type: EventType | undefined): string {
  const { id, source, subject, time, received } = event
  const line: Record<string, unknown> = { event_id: id, event_type: event.type, source }
  if (subject !== null) line['subject'] = subject
  if (type) {
    const rest = { ...(event.data as Record<string, unknown>) }
    for (const { field, name } of fieldColumns(type)) {
      if (rest[field] !== null && rest[field] !== undefined) line[name] = rest[field]
      delete rest[field]
    }
    if (Object.keys(rest).length > 0) line['data'] = JSON.stringify(rest)
  } else if (event.data !== null) line['data'] = JSON.stringify(event.data)
  return `{"event_time_us":${time},"received_time_us":${received}000,${JSON.stringify(line).slice(1)}`
}

const TIMES = /^\{"event_time_us":(-?\d+),"received_time_us":(\d+)000,/

/** The event of a line; a field that the catalogue got after the line was written is taken from `data`. Throws on any other text. */
export function fromLine(line: string, eventTypes: ReadonlyMap<string, EventType>): Event {
  const times = TIMES.exec(line)
  if (!times?.[1] || !times[2]) throw new Error('A line of the stream does not begin with its two times.')
  const columns = JSON.parse(`{${line.slice(times[0].length)}`) as Record<string, unknown> &
    Record<'event_id' | 'event_type' | 'source', string>
  const rest = columns['data'] === undefined ? null : (JSON.parse(columns['data'] as string) as unknown)
  const type = eventTypes.get(columns.event_type)
  return {
    id: columns.event_id,
    source: columns.source,
    type: columns.event_type,
    subject: (columns['subject'] as string | undefined) ?? null,
    time: BigInt(times[1]),
    received: Number(times[2]),
    data: type ? rowOf(type, columns, rest as Record<string, unknown> | null) : rest,
  }
}

/** What a record of the stream holds. */
export interface Lines {
  readonly events: readonly Event[]
  /** Lines that ingest never wrote. */
  readonly unreadable: readonly string[]
}

/** A reader of the stream that lines may be meant for alone: what it missed is put again, and the others must not count it twice. */
export type Reader = 'archive' | 'search'

const ONLY = /^\{"only":"(archive|search)",/

/** A line for one reader. The archive has no column for the mark and keeps every line. */
export const lineFor = (reader: Reader, line: string): string => `{"only":"${reader}",${line.slice(1)}`

/** A line without its mark, and whom it was for; undefined: for all. */
export function unmarked(line: string): { line: string; only: Reader | undefined } {
  const mark = ONLY.exec(line)
  return mark ? { line: `{${line.slice(mark[0].length)}`, only: mark[1] as Reader } : { line, only: undefined }
}

/** All lines of a record that are for this reader, or that are for all. */
export function fromLines(text: string, eventTypes: ReadonlyMap<string, EventType>, reader?: Reader): Lines {
  const events: Event[] = []
  const unreadable: string[] = []
  for (const line of text.split('\n')) {
    if (line === '') continue
    const plain = unmarked(line)
    if (plain.only !== undefined && plain.only !== reader) continue
    try {
      events.push(fromLine(plain.line, eventTypes))
    } catch {
      unreadable.push(line)
    }
  }
  return { events, unreadable }
}

function rowOf(type: EventType, columns: Record<string, unknown>, rest: Record<string, unknown> | null): Record<string, unknown> {
  const row: Record<string, unknown> = { ...rest }
  for (const { field, name } of fieldColumns(type)) row[field] = columns[name] ?? rest?.[field] ?? null
  return row
}
