import type { BulkClient, DocumentClient } from '../../lambdas/search/opensearch.ts'
import { mappingsOf, windowOf } from '../fakes/index-entries.ts'

interface Entry {
  readonly version: number
  /** Undefined: deleted. The version is remembered. */
  readonly document: Readonly<Record<string, unknown>> | undefined
}

type SearchBody = Parameters<DocumentClient['search']>[0]['body']
type BulkItem = Awaited<ReturnType<BulkClient['bulk']>>['body']['items'][number]
type Target = { readonly _index: string; readonly _id: string; readonly version: number }

/** OpenSearch in memory: bulk writes with external versions, and the queries that the product makes. */
export class SearchIndex {
  readonly entries = new Map<string, Entry>()

  /** The client's methods that the product calls. Each goes through `call`, which decides when and how it is carried out. */
  client(call: <T>(run: () => T) => Promise<T>): DocumentClient {
    return {
      bulk: ({ body }) => call(() => ({ body: { items: this.bulk(body) } })),
      search: ({ index, body }) => call(() => ({ body: this.search(index, body) })),
      indices: { refresh: () => call(() => ({})), getMapping: () => call(() => ({ body: mappingsOf(this.entries) })) },
    }
  }

  private bulk(lines: readonly object[]): BulkItem[] {
    const items: BulkItem[] = []
    for (let at = 0; at < lines.length; at++) {
      const [[action, target]] = Object.entries(lines[at] ?? {}) as [[string, Target]]
      const document = action === 'index' ? { ...lines[++at] } : undefined
      items.push({ [action]: { status: this.write(`${target._index}|${target._id}`, target.version, document) } })
    }
    return items
  }

  private write(key: string, version: number, document: Entry['document']): number {
    const before = this.entries.get(key)
    if (before && version < before.version) return 409
    this.entries.set(key, { version, document })
    return before?.document || document ? 200 : 404
  }

  private search(index: string, { query, size = 10, search_after: [after = Number.NEGATIVE_INFINITY] = [] }: SearchBody) {
    const terms = (query?.bool?.should ?? []) as readonly { readonly term: Readonly<Record<string, string>> }[]
    const isFound = (document: Entry['document']): boolean =>
      terms.some(({ term }) => Object.entries(term).every(([field, value]) => document?.[field] === value))
    const hits = [...this.entries]
      .filter(([key, { document }]) => key.startsWith(`${index}|`) && isFound(document))
      .map(([key, { version }]) => ({ _id: key.slice(index.length + 1), _version: version, sort: [windowOf(key)] }))
      .filter(({ sort: [start = 0] }) => start > Number(after))
      .sort((a, b) => (a.sort[0] ?? 0) - (b.sort[0] ?? 0))
    return { hits: { hits: hits.slice(0, size) } }
  }
}
