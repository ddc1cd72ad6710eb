import type { Client } from '@opensearch-project/opensearch'
import type { Document, Projection } from '../../shared/projection.ts'
import { isRejection, type Rejection, reject } from '../../shared/rejections.ts'
import { mappingOf } from '../../shared/search-index.ts'
import { formatInstant } from '../../shared/time.ts'
import { planPage, readPage, type Search, type SortField } from './paged-search.ts'
import { invalidParameter, type Parameters, readSecond } from './parameters.ts'
import type { Page } from './response.ts'

const WINDOW_START = 'window_start'

/** The document fields that order a projection: newest window first, then by key. */
const orderOf = (projection: Projection): SortField[] => {
  const { properties } = mappingOf(projection.shape)
  const start = { field: WINDOW_START, order: 'desc', type: 'string' } as const
  if (projection.scope === 'window') return [start]
  const type = properties[projection.key]?.type === 'keyword' ? 'string' : 'number'
  const key = { field: projection.key, order: 'asc', type } as const
  return projection.scope === 'user' ? [key] : [start, key]
}

/** The search that a query asks for, or what is wrong with it. */
export function planSearch(projection: Projection, parameters: Parameters): Search | Rejection {
  const key = keyFilters(projection, parameters['key'])
  if (isRejection(key)) return key
  const range = rangeFilters(projection, parameters)
  if (isRejection(range)) return range
  return planPage({ index: projection.name, filters: [...key, ...range], order: orderOf(projection) }, parameters)
}

function keyFilters(projection: Projection, key: string | undefined): object[] | Rejection {
  if (key === undefined) return []
  if (projection.scope === 'window')
    return invalidParameter('key', `does not apply: ${projection.name} has one document a window, over all users.`)
  if (mappingOf(projection.shape).properties[projection.key]?.type === 'keyword') return [{ term: { [projection.key]: key } }]
  // What is no such number is nobody's key; OpenSearch would refuse it.
  const isNumber = /^-?\d{1,16}$/.test(key) && Number.isSafeInteger(Number(key))
  return [isNumber ? { term: { [projection.key]: Number(key) } } : { match_none: {} }]
}

function rangeFilters(projection: Projection, parameters: Parameters): object[] | Rejection {
  const from = readSecond(parameters, 'from')
  const to = readSecond(parameters, 'to')
  if (typeof from === 'object') return from
  if (typeof to === 'object') return to
  if (from === undefined && to === undefined) return []
  if (projection.scope === 'user')
    return invalidParameter(from === undefined ? 'to' : 'from', `does not apply: ${projection.name} has no windows.`)
  const bounds = { ...(from !== undefined && { gte: formatInstant(from) }), ...(to !== undefined && { lt: formatInstant(to) }) }
  return [{ range: { [WINDOW_START]: bounds } }]
}

/** Documents of a projection, from OpenSearch; throws when it does not answer. */
export async function readProjection(
  name: string,
  parameters: Parameters,
  client: Client | undefined,
  projections: readonly Projection[],
): Promise<Page<Document> | Rejection> {
  const projection = projections.find(known => known.name === name)
  if (!projection) return reject('not_found', 'There is no projection of that name.')
  if (!client) return reject('search_off')
  const search = planSearch(projection, parameters)
  return isRejection(search) ? search : readPage(client, search, orderOf(projection))
}
