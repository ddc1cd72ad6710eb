import type { EventType } from '../../shared/event-type.ts'
import type { Document } from '../../shared/grain.ts'
import type { Page } from '../../shared/http.ts'
import { eventIndexPattern } from '../../shared/raw-events.ts'
import { isRejection, type Rejection, reject } from '../../shared/rejections.ts'
import { planPage, readPage, type Search, type SearchClient, type SortField } from './paged-search.ts'
import type { QueryParameters } from './parameters.ts'

/** Newest arrival first. The other parts of the identity make the order total. */
const ORDER: readonly SortField[] = [
  { field: 'received', order: 'desc', type: 'string' },
  { field: 'event_id', order: 'asc', type: 'string' },
  { field: 'source', order: 'asc', type: 'string' },
  { field: 'subject', order: 'asc', type: 'string or null' },
]

/** The search for recent events of a type. All types without a definition share the same indices. */
export const planEventSearch = (
  type: string,
  parameters: QueryParameters,
  eventTypes: readonly EventType[],
): Search | Rejection =>
  planPage(
    {
      index: eventIndexPattern(eventTypes.find(({ name }) => name === type)),
      filters: [{ term: { event_type: type } }],
      order: ORDER,
    },
    parameters,
  )

/**
 * Reads one page of recent raw events of a type from OpenSearch. The page is empty when the stage does not keep the type
 * (`search.rawEvents` in infra/settings.ts). Throws when OpenSearch does not respond.
 */
export async function readEvents(
  type: string,
  parameters: QueryParameters,
  client: SearchClient | undefined,
  eventTypes: readonly EventType[],
): Promise<Page<Document> | Rejection> {
  if (!client) return reject('search_off')
  const search = planEventSearch(type, parameters, eventTypes)
  return isRejection(search) ? search : readPage(client, search, ORDER)
}
