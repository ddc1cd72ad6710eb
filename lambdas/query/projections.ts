import type { Client } from '@opensearch-project/opensearch'
import type { Document, Projection } from '../../shared/projection.ts'
import { isRejection, type Rejection, reject } from '../../shared/rejections.ts'
import { mappingOf } from '../../shared/search.ts'
import { formatInstant } from '../../shared/time.ts'
import { invalid, type Parameters, readCursor, readLimit, readSecond, writeCursor } from './parameters.ts'

export interface Page<Row> {
  readonly data: readonly Row[]
  /** Where the next page begins; null: this was the last. */
  readonly cursor: string | null
}

/** A search as OpenSearch takes it; it asks for one document more than the page holds, to know whether there is a next. */
export interface Search {
  readonly index: string
  readonly size: number
  readonly body: {
    readonly query: object
    readonly sort: readonly object[]
    readonly track_total_hits: false
    readonly search_after?: readonly (string | number)[]
  }
}

const WINDOW_START = 'window_start'

/** The document fields that order a projection: newest window first, then by key. */
const orderOf = (projection: Projection): { field: string; order: 'asc' | 'desc'; type: 'string' | 'number' }[] => {
  const { properties } = mappingOf(projection.shape)
  const start = { field: WINDOW_START, order: 'desc', type: 'string' } as const
  if (projection.scope === 'window') return [start]
  const type = properties[projection.key]?.type === 'keyword' ? 'string' : 'number'
  const key = { field: projection.key, order: 'asc', type } as const
  return projection.scope === 'user' ? [key] : [start, key]
}

/** The search that a query asks for; 'nothing' where no document can match, or what is wrong with it. */
export function planSearch(projection: Projection, parameters: Parameters): Search | 'nothing' | Rejection {
  const limit = readLimit(parameters)
  if (typeof limit !== 'number') return limit
  const order = orderOf(projection)
  const after = readCursor(
    parameters,
    order.map(({ type }) => type),
  )
  if (after && !Array.isArray(after)) return after
  const filters = filtersOf(projection, parameters)
  if (!Array.isArray(filters)) return filters
  return {
    index: projection.name,
    size: limit + 1,
    body: {
      query: { bool: { filter: filters } },
      sort: order.map(({ field, order }) => ({ [field]: order })),
      track_total_hits: false,
      ...(after && { search_after: after }),
    },
  }
}

function filtersOf(projection: Projection, parameters: Parameters): object[] | 'nothing' | Rejection {
  const key = keyFilter(projection, parameters['key'])
  if (!Array.isArray(key)) return key
  const range = rangeFilter(projection, parameters)
  return Array.isArray(range) ? [...key, ...range] : range
}

function keyFilter(projection: Projection, key: string | undefined): object[] | 'nothing' | Rejection {
  if (key === undefined) return []
  if (projection.scope === 'window')
    return invalid('key', `does not apply: ${projection.name} has one document a window, over all users.`)
  if (mappingOf(projection.shape).properties[projection.key]?.type === 'keyword') return [{ term: { [projection.key]: key } }]
  // What is no such number is nobody's key; OpenSearch would refuse it.
  return /^-?\d{1,16}$/.test(key) && Number.isSafeInteger(Number(key)) ? [{ term: { [projection.key]: Number(key) } }] : 'nothing'
}

function rangeFilter(projection: Projection, parameters: Parameters): object[] | Rejection {
  const from = readSecond(parameters, 'from')
  const to = readSecond(parameters, 'to')
  if (typeof from === 'object') return from
  if (typeof to === 'object') return to
  if (from === undefined && to === undefined) return []
  if (projection.scope === 'user')
    return invalid(from === undefined ? 'to' : 'from', `does not apply: ${projection.name} has no windows.`)
  const bounds = { ...(from !== undefined && { gte: formatInstant(from) }), ...(to !== undefined && { lt: formatInstant(to) }) }
  return [{ range: { [WINDOW_START]: bounds } }]
}

/** The page of what a search found. */
export function pageOf(projection: Projection, found: readonly Document[], search: Search): Page<Document> {
  const data = found.slice(0, search.size - 1)
  const last = data.at(-1)
  const position = orderOf(projection).map(({ field }) => last?.[field] as string | number)
  return { data, cursor: last && found.length > data.length ? writeCursor(position) : null }
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
  if (search === 'nothing') return { data: [], cursor: null }
  if (isRejection(search)) return search
  const { body } = await client.search(search as never)
  return pageOf(
    projection,
    body.hits.hits.map(hit => hit._source as Document),
    search,
  )
}
