import type { Client } from '@opensearch-project/opensearch'
import type { EventType } from '../../shared/event.ts'
import type { Document } from '../../shared/projection.ts'
import { isRejection, type Rejection, reject } from '../../shared/rejections.ts'
import { eventIndexPattern } from '../../shared/search.ts'
import { type Parameters, readCursor, readLimit, writeCursor } from './parameters.ts'
import type { Page, Search } from './projections.ts'

/** What orders raw events: the newest arrival first; the rest tells apart what came at once. */
const ORDER = [
  ['received', 'desc'],
  ['event_id', 'asc'],
  ['source', 'asc'],
] as const

/** The search for recent events of a type; a type without a definition is looked for among all of those. */
export function planEventSearch(type: string, parameters: Parameters, known: EventType | undefined): Search | Rejection {
  const limit = readLimit(parameters)
  if (typeof limit !== 'number') return limit
  const after = readCursor(parameters, ['string', 'string', 'string'])
  if (after && !Array.isArray(after)) return after
  return {
    index: eventIndexPattern(known),
    size: limit + 1,
    body: {
      query: { bool: { filter: [{ term: { event_type: type } }] } },
      sort: ORDER.map(([field, order]) => ({ [field]: order })),
      track_total_hits: false,
      ...(after && { search_after: after }),
    },
  }
}

/** The page of what a search found. */
export function eventPage(found: readonly Document[], { size }: Search): Page<Document> {
  const data = found.slice(0, size - 1)
  const last = data.at(-1)
  const more = last !== undefined && found.length > data.length
  return { data, cursor: more ? writeCursor(ORDER.map(([field]) => String(last[field]))) : null }
}

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
  const search = planEventSearch(
    type,
    parameters,
    eventTypes.find(({ name }) => name === type),
  )
  if (isRejection(search)) return search
  const { body } = await client.search(search as never)
  return eventPage(
    body.hits.hits.map(hit => hit._source as Document),
    search,
  )
}
