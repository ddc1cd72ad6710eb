import type { Client } from '@opensearch-project/opensearch'
import type { Document } from '../../shared/projection.ts'
import type { Rejection } from '../../shared/rejections.ts'
import { type Parameters, readCursor, readLimit, writeCursor } from './parameters.ts'
import type { Page } from './response.ts'

/** A field that documents are ordered by, and what a cursor holds of it. */
export interface SortField {
  readonly field: string
  readonly order: 'asc' | 'desc'
  readonly type: 'string' | 'number'
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

/** What is sought: documents of an index that pass every filter, in an order that no two of them share a place in. */
export interface PageQuery {
  readonly index: string
  readonly filters: readonly object[]
  readonly order: readonly SortField[]
}

/** The search for the page that `limit` and `cursor` ask for. */
export function planPage({ index, filters, order }: PageQuery, parameters: Parameters): Search | Rejection {
  const limit = readLimit(parameters)
  if (typeof limit !== 'number') return limit
  const after = readCursor(
    parameters,
    order.map(({ type }) => type),
  )
  if (after && !Array.isArray(after)) return after
  return {
    index,
    size: limit + 1,
    body: {
      query: { bool: { filter: filters } },
      sort: order.map(({ field, order }) => ({ [field]: order })),
      track_total_hits: false,
      ...(after && { search_after: after }),
    },
  }
}

/** The page of what a search found. */
export function pageOf(found: readonly Document[], { size }: Search, order: readonly SortField[]): Page<Document> {
  const data = found.slice(0, size - 1)
  const last = data.at(-1)
  const position = order.map(({ field }) => last?.[field] as string | number)
  return { data, cursor: last && found.length > data.length ? writeCursor(position) : null }
}

/** Sends the search; throws when OpenSearch does not answer. */
export async function readPage(client: Client, search: Search, order: readonly SortField[]): Promise<Page<Document>> {
  const { body } = await client.search(search as never)
  return pageOf(
    body.hits.hits.map(hit => hit._source as Document),
    search,
    order,
  )
}
