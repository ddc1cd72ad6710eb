import { NONE } from '../../shared/environment.ts'
import { isName } from '../../shared/event.ts'
import type { EventType } from '../../shared/event-type.ts'
import type { Document } from '../../shared/grain.ts'
import type { Page } from '../../shared/http.ts'
import { MAX_NAME_CHARACTERS } from '../../shared/limits.ts'
import { EVERY_EVENT_INDEX, eventIndexPattern, parseRawEventTypes } from '../../shared/raw-events.ts'
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

/** Which raw events the stage keeps in OpenSearch: `RAW_EVENT_TYPES`. */
export type KeptEvents = (type: string | undefined) => boolean

export const keptEvents = (types: string): KeptEvents => {
  const isOn = parseRawEventTypes(types)
  return type => (type === undefined ? types !== NONE : isOn(type))
}

/** As `readEvents`, but an empty page of events that the stage does not keep is a rejection that says so. */
export async function readKeptEvents(
  type: string | undefined,
  parameters: QueryParameters,
  { client, eventTypes, keeps }: { client: SearchClient | undefined; eventTypes: readonly EventType[]; keeps: KeptEvents },
): Promise<Page<Document> | Rejection> {
  const page = await readEvents(type, parameters, client, eventTypes)
  const isEmpty = !isRejection(page) && page.data.length === 0 && parameters['cursor'] === undefined
  return isEmpty && !keeps(type) ? reject('search_off', type === undefined ? KEEPS_NONE : KEEPS_NONE_OF_TYPE) : page
}

const REMEDY = 'Add them to search.rawEvents in infra/settings.ts and deploy the stage. The archive has all events.'
const KEEPS_NONE = `This stage keeps no raw events in OpenSearch. ${REMEDY}`
const KEEPS_NONE_OF_TYPE = `This stage keeps no raw events of this type in OpenSearch. ${REMEDY}`

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
