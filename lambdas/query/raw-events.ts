import { isName } from '../../shared/event.ts'
import type { EventType } from '../../shared/event-type.ts'
import type { Document } from '../../shared/grain.ts'
import type { Page } from '../../shared/http.ts'
import { MAX_NAME_CHARACTERS } from '../../shared/limits.ts'
import { EVERY_EVENT_INDEX, eventIndexPattern } from '../../shared/raw-events.ts'
import { isRejection, type Rejection, reject } from '../../shared/rejections.ts'
import { planPage, readPage, type Search, type SearchClient, type SortField } from './paged-search.ts'
import { invalidParameter, type QueryParameters } from './parameters.ts'

/** Newest arrival first. The other parts of the identity make the order total. */
const ORDER: readonly SortField[] = [
  { field: 'received', order: 'desc', type: 'string' },
  { field: 'event_id', order: 'asc', type: 'string' },
  { field: 'source', order: 'asc', type: 'string' },
  { field: 'subject', order: 'asc', type: 'string or null' },
]

/** The search for recent events of a type, or of all types. All types without a definition share the same indices. */
export const planEventSearch = (
  type: string | undefined,
  parameters: QueryParameters,
  eventTypes: readonly EventType[],
): Search | Rejection =>
  planPage(
    {
      index: type === undefined ? EVERY_EVENT_INDEX : eventIndexPattern(eventTypes.find(({ name }) => name === type)),
      filters: type === undefined ? [] : [{ term: { event_type: type } }],
      order: ORDER,
    },
    parameters,
  )

/**
 * Reads one page of recent raw events of a type, or of all types, from OpenSearch. The page is empty when the stage does not keep the type
 * (`search.rawEvents` in infra/settings.ts). Throws when OpenSearch does not respond.
 */
export async function readEvents(
  type: string | undefined,
  parameters: QueryParameters,
  client: SearchClient | undefined,
  eventTypes: readonly EventType[],
): Promise<Page<Document> | Rejection> {
  if (!client) return reject('search_off')
  if (type !== undefined && !isName(type, MAX_NAME_CHARACTERS))
    return invalidParameter('type', `must have 1 to ${MAX_NAME_CHARACTERS} characters.`)
  const search = planEventSearch(type, parameters, eventTypes)
  return isRejection(search) ? search : readPage(client, search, ORDER)
}
