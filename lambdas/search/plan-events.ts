import { ALL, NONE } from '../../shared/environment.ts'
import { type Event, type EventType, identityHash, RESERVED_PREFIX } from '../../shared/event.ts'
import { eventDocument, eventIndex } from '../../shared/search.ts'
import type { BulkOperation } from './opensearch.ts'

export interface RawEvents {
  readonly eventTypes: ReadonlyMap<string, EventType>
  /** Whether events of this type get documents. */
  readonly isOn: (type: string) => boolean
  readonly retentionDays: number
}

/** Reads the dial: `all`, `none`, or the types with commas between. */
export function typesFrom(dial: string): (type: string) => boolean {
  if (dial === ALL) return () => true
  const types = new Set(dial === NONE ? [] : dial.split(','))
  return type => types.has(type)
}

/** Index and id of an event's document; undefined where its type gets none. */
export function placeOf(event: Event, { eventTypes, isOn, retentionDays }: RawEvents): { index: string; id: string } | undefined {
  if (!isOn(event.type) || event.type.startsWith(RESERVED_PREFIX)) return undefined
  return { index: eventIndex(event, eventTypes.get(event.type), retentionDays), id: identityHash(event).toString('hex') }
}

/** One document an event, under its identity: created once, however often the event comes. */
export const planEvents = (events: readonly Event[], raw: RawEvents): BulkOperation[] =>
  events.flatMap((event): BulkOperation[] => {
    const place = placeOf(event, raw)
    return place ? [{ action: 'create', ...place, document: eventDocument(event, raw.eventTypes.get(event.type)) }] : []
  })
