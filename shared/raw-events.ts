import { ALL, NONE } from './environment.ts'
import { type Event, identityHash, RESERVED_PREFIX } from './event.ts'
import type { EventType } from './event-type.ts'
import { isObject, type JsonObject } from './json.ts'
import { fieldMapping, keyword, type Mapping } from './search-index.ts'
import { formatDay, formatInstant, millisToMicros } from './time.ts'

/** All types outside the catalogue share one index per day: clients choose their names, so their number has no bound. */
const UNCATALOGUED = 'uncatalogued'

const DAY_MILLIS = 86_400_000
const DAY_MICROS = millisToMicros(DAY_MILLIS)

/** Pattern of the indices of all raw events. */
export const EVERY_EVENT_INDEX = 'events-*'

/** Pattern of the indices of the raw events of one type, or of all types outside the catalogue. */
export const eventIndexPattern = (type: EventType | undefined): string => `events-${type?.name ?? UNCATALOGUED}-*`

/**
 * The index of a raw event: the index of its day if the event happened within the retention before its arrival, else the index
 * for all other days. The arrival, and not a clock, decides, so that a re-delivery goes to the same index.
 */
function eventIndex(event: Event, type: EventType | undefined, retentionDays: number): string {
  const received = millisToMicros(event.received)
  const isRecent = event.time <= received && event.time > received - BigInt(retentionDays) * DAY_MICROS
  const day = isRecent ? indexDay(event.time) : 'other'
  return `events-${type?.name ?? UNCATALOGUED}-${day}`
}

/** The day of an instant in the name of an index: `YYYY.MM.DD`. */
const indexDay = (micros: bigint): string => formatDay(micros).replaceAll('-', '.')

/** Whether all of a day, given as in the name of its index, is before the retention; `now` in milliseconds since 1970. */
export const isExpiredDay = (day: string, now: number, retentionDays: number): boolean =>
  day < indexDay(millisToMicros(now - (retentionDays + 1) * DAY_MILLIS))

/** The document of a raw event: its envelope, the fields of its type, and all other fields in `data`, which is not indexed. */
export function eventDocument(event: Event, type: EventType | undefined): JsonObject {
  const envelope = {
    event_id: event.id,
    event_type: event.type,
    subject: event.subject,
    source: event.source,
    event_time: formatInstant(event.time),
    received: formatInstant(millisToMicros(event.received)),
  }
  const data = dataObject(event.data)
  const fields: Record<string, unknown> = {}
  for (const field of type ? fieldsOf(type) : []) {
    if (field in envelope) continue
    fields[field] = data[field] ?? null
    delete data[field]
  }
  return { ...fields, ...envelope, ...(Object.keys(data).length > 0 && { data }) }
}

/** A copy of the data as an object; data that is not an object becomes the field `value`. */
function dataObject(data: unknown): Record<string, unknown> {
  if (isObject(data)) return { ...data }
  return data === null ? {} : { value: data }
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

export interface RawEventSettings {
  readonly eventTypes: ReadonlyMap<string, EventType>
  /** Whether events of this type are indexed. */
  readonly isOn: (type: string) => boolean
  readonly retentionDays: number
}

/** Which types are indexed, from the environment variable: `all`, `none`, or type names separated by commas. */
export function parseRawEventTypes(variable: string): (type: string) => boolean {
  if (variable === ALL) return () => true
  const types = new Set(variable === NONE ? [] : variable.split(','))
  return type => types.has(type)
}

/** Whether events of a type have documents. */
export const isIndexed = (type: string, { isOn }: Pick<RawEventSettings, 'isOn'>): boolean =>
  isOn(type) && !type.startsWith(RESERVED_PREFIX)

/** Index and id of an event's document; undefined if events of its type are not indexed. */
export function rawDocumentOf(
  event: Event,
  { eventTypes, isOn, retentionDays }: RawEventSettings,
): { index: string; id: string } | undefined {
  if (!isIndexed(event.type, { isOn })) return undefined
  return { index: eventIndex(event, eventTypes.get(event.type), retentionDays), id: identityHash(event) }
}
