import type { BulkOperation } from '../../shared/bulk-operation.ts'
import type { Event } from '../../shared/event.ts'
import { eventDocument, type RawEventSettings, rawDocumentOf } from '../../shared/raw-events.ts'

/** One document for each event of the types that are on. Its id is the event's identity, so that a repeated event creates no second one. */
export const planEvents = (events: readonly Event[], raw: RawEventSettings): BulkOperation[] =>
  events.flatMap((event): BulkOperation[] => {
    const target = rawDocumentOf(event, raw)
    return target ? [{ action: 'create', ...target, document: eventDocument(event, raw.eventTypes.get(event.type)) }] : []
  })
