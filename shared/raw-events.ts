import { ALL, NONE } from './environment.ts'
import { type Event, identityHash, RESERVED_PREFIX } from './event.ts'
import type { EventType } from './event-type.ts'
import { isObject } from './json.ts'
import { fieldMapping, keyword, type Mapping } from './search-index.ts'
import { formatInstant, millisToMicros } from './time.ts'

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

export interface RawEventSettings {
  readonly eventTypes: ReadonlyMap<string, EventType>
  /** Whether events of this type get documents. */
  readonly isOn: (type: string) => boolean
  readonly retentionDays: number
}

/** Reads the dial: `all`, `none`, or the types with commas between. */
export function parseRawEventTypes(dial: string): (type: string) => boolean {
  if (dial === ALL) return () => true
  const types = new Set(dial === NONE ? [] : dial.split(','))
  return type => types.has(type)
}

/** Index and id of an event's document; undefined where its type gets none. */
export function rawDocumentOf(
  event: Event,
  { eventTypes, isOn, retentionDays }: RawEventSettings,
): { index: string; id: string } | undefined {
  if (!isOn(event.type) || event.type.startsWith(RESERVED_PREFIX)) return undefined
  return { index: eventIndex(event, eventTypes.get(event.type), retentionDays), id: identityHash(event).toString('hex') }
}
