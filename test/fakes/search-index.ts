import type { Search, SearchClient } from '../../lambdas/query/paged-search.ts'

type Document = Readonly<Record<string, string | number | null>>
type Position = readonly (string | number | null)[]
type Order = readonly (readonly [field: string, direction: 'asc' | 'desc'])[]

/** An OpenSearch client over one index in memory. It supports term filters, ranges of texts, sorting and `search_after`, and records its requests. */
export function searchOver(documents: readonly Document[]) {
  const requests: Search[] = []
  const search: SearchClient['search'] = async request => {
    requests.push(request)
    const { sort, search_after: after } = request.body
    const order = sort.flatMap(field => Object.entries(field))
    const hits = documents
      .filter(document => passes(document, request))
      .map(document => ({ document, position: order.map(([field]) => document[field] ?? null) }))
      .sort((a, b) => compare(a.position, b.position, order))
      .filter(({ position }) => !after || compare(position, after, order) > 0)
      .slice(0, request.size)
      .map(({ document }) => ({ _source: document }))
    return { body: { hits: { hits } } }
  }
  return { client: { search }, requests }
}

function passes(document: Document, { body }: Search): boolean {
  const { filter, must_not: leftOut = [] } = body.query.bool
  return filter.every(each => matches(document, each)) && !leftOut.some(each => matches(document, each))
}

type Comparison = 'gt' | 'gte' | 'lt'

const comparisons: Readonly<Record<Comparison, (a: string, b: string) => boolean>> = {
  gt: (a, b) => a > b,
  gte: (a, b) => a >= b,
  lt: (a, b) => a < b,
}

const matches = (document: Document, { term = {}, range = {} }: Search['body']['query']['bool']['filter'][number]): boolean =>
  Object.entries(term).every(([field, value]) => document[field] === value) &&
  Object.entries(range).every(([field, bounds]) =>
    Object.entries(bounds).every(
      ([name, bound]) => typeof document[field] === 'string' && comparisons[name as Comparison](document[field], String(bound)),
    ),
  )

function compare(a: Position, b: Position, order: Order): number {
  const at = a.findIndex((value, i) => value !== b[i])
  if (at < 0) return 0
  if (a[at] == null || b[at] == null) return a[at] == null ? 1 : -1
  const ascending = a[at] < b[at] ? -1 : 1
  return order[at]?.[1] === 'desc' ? -ascending : ascending
}
