import type { API, Types } from '@opensearch-project/opensearch'
import type { Document } from '../../shared/grain.ts'
import type { Page } from '../../shared/http.ts'
import { isRejection, type Rejection } from '../../shared/rejections.ts'
import { SafeError } from '../../shared/safe-error.ts'
import { rowsThatFit } from '../response-size.ts'
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

/** Sends the search and returns one page. Throws when OpenSearch does not respond. */
export async function readPage(
  client: SearchClient,
  search: Search,
  order: readonly SortField[],
): Promise<Page<Document> | Rejection> {
  const found = await client.search(search).catch((error: unknown) => {
    if (search.body.search_after && isRefused(error)) return invalidCursor()
    throw error
  })
  if (isRejection(found)) return found
  const { body } = found
  const documents = body.hits.hits.map(({ _source = {} }) => _source)
  return pageOf(documents, search, order)
}

/** Whether OpenSearch responded that the search itself is wrong. */
function isRefused(error: unknown): boolean {
  const { statusCode, cause } = error as { readonly statusCode?: number; readonly cause?: { readonly statusCode?: number } }
  return (cause?.statusCode ?? statusCode) === 400
}

function pageOf(documents: readonly Document[], { size, index, body }: Search, order: readonly SortField[]): Page<Document> {
  const data = rowsThatFit(documents.slice(0, size - 1))
  const last = data.at(-1)
  const isLastPage = documents.length === data.length
  return {
    data,
    cursor: last && !isLastPage ? writeCursor(positionOf(last, order), [index, JSON.stringify(body.query.bool.filter)]) : null,
  }
}

/** Throws on a document without a sort field, because no page could continue after it. */
const positionOf = (document: Document, order: readonly SortField[]): PositionValue[] =>
  order.map(({ field, type }) => {
    const value = document[field]
    if (isPositionValue(value, type)) return value
    throw new SafeError(`A document has no ${type} in ${field}, by which its page is sorted.`)
  })
