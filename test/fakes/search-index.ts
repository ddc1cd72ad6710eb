import type { Client } from '@opensearch-project/opensearch'
import type { Search } from '../../lambdas/query/paged-search.ts'

type Document = Readonly<Record<string, string | number>>
type Position = readonly (string | number)[]

/** OpenSearch in memory, one index of these documents: filters by terms, sorts, and continues after a position (search_after). */
export function searchOver(documents: readonly Document[]) {
  const asked: Search[] = []
  const search = async (query: Search) => {
    asked.push(query)
    const orders = query.body.sort.flatMap(field => Object.entries(field))
    const hits = documents
      .filter(document => passes(document, query))
      .map(document => ({ document, position: orders.map(([field]) => document[field] ?? '') }))
      .sort((a, b) => compare(a.position, b.position, orders))
    const after = query.body.search_after
    const found = hits.filter(({ position }) => !after || compare(position, after, orders) > 0).slice(0, query.size)
    return { body: { hits: { hits: found.map(({ document }) => ({ _source: document })) } } }
  }
  return { client: { search } as unknown as Client, asked }
}

function passes(document: Document, { body }: Search): boolean {
  const { filter } = (body.query as { bool: { filter: { term?: Document }[] } }).bool
  return filter.every(({ term }) => term && Object.entries(term).every(([field, value]) => document[field] === value))
}

function compare(a: Position, b: Position, orders: readonly (readonly [string, string])[]): number {
  const at = a.findIndex((value, i) => value !== b[i])
  if (at < 0) return 0
  const ascending = (a[at] ?? '') < (b[at] ?? '') ? -1 : 1
  return orders[at]?.[1] === 'desc' ? -ascending : ascending
}
