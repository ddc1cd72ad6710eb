import type { Client } from '@opensearch-project/opensearch'
import type { EventType } from '../../shared/event-type.ts'
import type { Document } from '../../shared/projection.ts'
import { eventIndexPattern } from '../../shared/raw-events.ts'
import { isRejection, type Rejection, reject } from '../../shared/rejections.ts'
import { planPage, readPage, type Search, type SortField } from './paged-search.ts'
import type { Parameters } from './parameters.ts'
import type { Page } from './response.ts'

/** The newest arrival first; the rest tells apart what came at once. */
const ORDER: readonly SortField[] = [
  { field: 'received', order: 'desc', type: 'string' },
  { field: 'event_id', order: 'asc', type: 'string' },
  { field: 'source', order: 'asc', type: 'string' },
]

/** The search for recent events of a type; a type without a definition is looked for among all of those. */
export const planEventSearch = (type: string, parameters: Parameters, eventTypes: readonly EventType[]): Search | Rejection =>
  planPage(
    {
      index: eventIndexPattern(eventTypes.find(({ name }) => name === type)),
      filters: [{ term: { event_type: type } }],
      order: ORDER,
    },
    parameters,
  )

/**
 * Recent raw events of a type, from OpenSearch; none where the stage keeps none of the type (`search.rawEvents` in
 * infra/settings.ts). Throws when it does not answer.
 */
export async function readEvents(
  type: string,
  parameters: Parameters,
  client: Client | undefined,
  eventTypes: readonly EventType[],
): Promise<Page<Document> | Rejection> {
  if (!client) return reject('search_off')
  const search = planEventSearch(type, parameters, eventTypes)
  return isRejection(search) ? search : readPage(client, search, ORDER)
}
