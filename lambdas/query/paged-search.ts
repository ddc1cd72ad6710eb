import type { API, Types } from '@opensearch-project/opensearch'
import type { Document } from '../../shared/grain.ts'
import type { Page } from '../../shared/http.ts'
import { DEFAULT_PAGE_ROWS } from '../../shared/limits.ts'
import { isRejection, type Rejection } from '../../shared/rejections.ts'
import { SafeError } from '../../shared/safe-error.ts'
import { responseRoom } from '../response-size.ts'
import {
  invalidCursor,
  isPositionValue,
  type PositionType,
  type PositionValue,
  type QueryParameters,
  readCursor,
  readLimit,
  writeCursor,
} from './parameters.ts'

export type Filter = Types.Common_QueryDsl.QueryContainer

/** A field that documents are sorted by. A cursor holds its value in the last document of a page. */
export interface SortField {
  readonly field: string
  readonly order: 'asc' | 'desc'
  readonly type: PositionType
}

/** An OpenSearch search request. `size` is one more than the page holds, to know whether there is a next page. */
export interface Search extends API.Search_Request {
  readonly index: string
  readonly size: number
  readonly body: {
    query: { bool: { filter: Filter[]; must_not?: Filter[] } }
    sort: Record<string, 'asc' | 'desc'>[]
    search_after?: NonNullable<PositionValue>[]
    track_total_hits: false
  }
}

/** The part of the OpenSearch client that a search needs. */
export interface SearchClient {
  search(search: Search): Promise<{ readonly body: { readonly hits: { readonly hits: readonly { _source?: Document }[] } } }>
}

/** Documents of an index that pass every filter. The order must be total: no two documents may have the same position. */
export interface PageQuery {
  readonly index: string
  readonly filters: readonly Filter[]
  /** Documents at the beginning of the order that the first page leaves out. The other pages begin after its last document. */
  readonly leftOut?: Filter | undefined
  readonly order: readonly SortField[]
}

/** The search for the page that `limit` and `cursor` select. */
export function planPage({ index, filters, leftOut, order }: PageQuery, parameters: QueryParameters): Search | Rejection {
  const limit = readLimit(parameters)
  if (typeof limit !== 'number') return limit
  const types = order.map(({ type }) => type)
  const after = readCursor(parameters, types, [index, JSON.stringify(filters)])
  if (after && !Array.isArray(after)) return after
  return {
    index,
    size: limit + 1,
    body: {
      query: { bool: { filter: [...filters], ...(leftOut && !after && { must_not: [leftOut] }) } },
      sort: order.map(({ field, order }) => ({ [field]: order })),
      track_total_hits: false,
      // OpenSearch accepts null for a document without the field; the types of its client do not.
      ...(after && { search_after: after as NonNullable<PositionValue>[] }),
    },
  }
}

/**
 * Most documents that OpenSearch sends at once, which may have a megabyte each. A page without `limit` needs one search: it has as many
 * rows, and one more that says whether another page follows.
 */
const MAX_DOCUMENTS_PER_SEARCH = DEFAULT_PAGE_ROWS + 1

/** Searches until a page is full. Throws when OpenSearch does not respond. */
export async function readPage(
  client: SearchClient,
  search: Search,
  order: readonly SortField[],
): Promise<Page<Document> | Rejection> {
  const data: Document[] = []
  const fits = responseRoom()
  for (;;) {
    const size = Math.min(MAX_DOCUMENTS_PER_SEARCH, search.size - data.length)
    const documents = await searchAfter(client, { ...search, size }, data.at(-1), order)
    if (isRejection(documents)) return documents
    for (const document of documents) {
      if (data.length === search.size - 1 || !fits(document)) return pageOf(data, true, search, order)
      data.push(document)
    }
    if (documents.length < size) return pageOf(data, false, search, order)
  }
}

/** The documents of one search, which begins after `last` if there is one. */
async function searchAfter(
  client: SearchClient,
  search: Search,
  last: Document | undefined,
  order: readonly SortField[],
): Promise<Document[] | Rejection> {
  const after = last && { search_after: positionOf(last, order) as NonNullable<PositionValue>[] }
  const found = await client.search({ ...search, body: { ...search.body, ...after } }).catch((error: unknown) => {
    if (!after && search.body.search_after && isRefused(error)) return invalidCursor()
    throw error
  })
  return isRejection(found) ? found : found.body.hits.hits.map(({ _source = {} }) => _source)
}

/** Whether OpenSearch responded that the search itself is wrong. */
function isRefused(error: unknown): boolean {
  const { statusCode, cause } = error as { readonly statusCode?: number; readonly cause?: { readonly statusCode?: number } }
  return (cause?.statusCode ?? statusCode) === 400
}

function pageOf(
  data: readonly Document[],
  hasMore: boolean,
  { index, body }: Search,
  order: readonly SortField[],
): Page<Document> {
  const last = data.at(-1)
  const cursor = last && hasMore ? writeCursor(positionOf(last, order), [index, JSON.stringify(body.query.bool.filter)]) : null
  return { data, cursor }
}

/** Throws on a document without a sort field, because no page could continue after it. */
const positionOf = (document: Document, order: readonly SortField[]): PositionValue[] =>
  order.map(({ field, type }) => {
    const value = document[field]
    if (isPositionValue(value, type)) return value
    throw new SafeError(`A document has no ${type} in ${field}, by which its page is sorted.`)
  })
