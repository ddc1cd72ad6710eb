import type { Document } from '../../shared/grain.ts'
import type { Page } from '../../shared/http.ts'
import type { Projection } from '../../shared/projection.ts'
import { isRejection, type Rejection, reject } from '../../shared/rejections.ts'
import { currentRevisions } from '../../shared/revisions.ts'
import { mappingOf } from '../../shared/search-index.ts'
import { formatInstant, lastPresent, wholeSeconds, windowInstant } from '../../shared/time.ts'
import { type Filter, planPage, readPage, type Search, type SearchClient, type SortField } from './paged-search.ts'
import { invalidParameter, type QueryParameters, readSecond } from './parameters.ts'

const WINDOW_START = 'window_start'

/** Sorts a projection's documents by window, newest first, then by key. */
function orderOf(projection: Projection): SortField[] {
  const { grain, shape } = projection
  const keyField = grain.keyField(projection)
  const type = keyField !== undefined && isText(shape, keyField) ? 'string' : 'number'
  return [
    ...(grain.hasWindow ? [{ field: WINDOW_START, order: 'desc', type: 'string' } as const] : []),
    ...(keyField === undefined ? [] : [{ field: keyField, order: 'asc', type } as const]),
  ]
}

const isText = (shape: Projection['shape'], field: string): boolean => mappingOf(shape).properties[field]?.type === 'keyword'

/**
 * The search for one page of a projection's documents, or what is wrong with the parameters. Without `from` and `to`, the first page
 * has no windows of the future, which would hide the others. `now` in milliseconds since 1970.
 */
export function planSearch(projection: Projection, parameters: QueryParameters, now: number): Search | Rejection {
  const key = keyFilters(projection, parameters['key'])
  if (isRejection(key)) return key
  const range = rangeFilters(projection, parameters)
  if (isRejection(range)) return range
  const leftOut = projection.grain.hasWindow && range.length === 0 ? windowsAfter(lastPresent(now)) : undefined
  return planPage({ index: projection.name, filters: [...key, ...range], leftOut, order: orderOf(projection) }, parameters)
}

/** Windows start at whole seconds. */
const windowsAfter = (micros: bigint): Filter => ({ range: { [WINDOW_START]: { gt: windowInstant(wholeSeconds(micros)) } } })

function keyFilters(projection: Projection, key: string | undefined): Filter[] | Rejection {
  if (key === undefined) return []
  const keyField = projection.grain.keyField(projection)
  if (keyField === undefined)
    return invalidParameter('key', `does not apply: each document of ${projection.name} covers one window of all users.`)
  if (isText(projection.shape, keyField)) return [{ term: { [keyField]: key } }]
  // Text that no document writes as its key matches nothing. OpenSearch would reject a search for it, or read 01 as 1.
  const isInteger = Number.isSafeInteger(Number(key)) && String(Number(key)) === key
  return [isInteger ? { term: { [keyField]: Number(key) } } : { match_none: {} }]
}

function rangeFilters(projection: Projection, parameters: QueryParameters): Filter[] | Rejection {
  const from = readSecond(parameters, 'from')
  const to = readSecond(parameters, 'to')
  if (typeof from === 'object') return from
  if (typeof to === 'object') return to
  if (from === undefined && to === undefined) return []
  if (!projection.grain.hasWindow)
    return invalidParameter(from === undefined ? 'to' : 'from', `does not apply: ${projection.name} has no windows.`)
  const bounds = { ...(from !== undefined && { gte: formatInstant(from) }), ...(to !== undefined && { lt: formatInstant(to) }) }
  return [{ range: { [WINDOW_START]: bounds } }]
}

/** Reads one page of a projection's documents from OpenSearch. Throws when OpenSearch does not respond. */
export async function readProjection(
  name: string,
  parameters: QueryParameters,
  client: SearchClient | undefined,
  projections: readonly Projection[],
  now: number,
): Promise<Page<Document> | Rejection> {
  const projection = currentRevisions(projections).find(known => known.name === name)
  if (!projection) return reject('not_found', 'No projection has this name.')
  if (!client) return reject('search_off')
  const search = planSearch(projection, parameters, now)
  return isRejection(search) ? search : readPage(client, search, orderOf(projection))
}
