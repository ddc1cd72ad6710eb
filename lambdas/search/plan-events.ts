import type { BulkOperation } from '../../shared/bulk-operation.ts'
import type { Event } from '../../shared/event.ts'
import { eventDocument, type RawEventSettings, rawDocumentOf } from '../../shared/raw-events.ts'

/** One document an event, under its identity: created once, however often the event comes. */
export const planEvents = (events: readonly Event[], raw: RawEventSettings): BulkOperation[] =>
  events.flatMap((event): BulkOperation[] => {
    const place = rawDocumentOf(event, raw)
    return place ? [{ action: 'create', ...place, document: eventDocument(event, raw.eventTypes.get(event.type)) }] : []
  })
