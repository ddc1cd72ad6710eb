import type { BulkClient, DocumentClient } from '../../lambdas/search/opensearch.ts'
import { mappingsOf, windowOf } from './index-entries.ts'

interface Entry {
  readonly version: number
  /** Undefined: deleted. The version is remembered. */
  readonly document: Readonly<Record<string, unknown>> | undefined
}

type BulkItem = Awaited<ReturnType<BulkClient['bulk']>>['body']['items'][number]
type SearchBody = Parameters<DocumentClient['search']>[0]['body']
type Action = 'index' | 'create' | 'delete'

interface Target {
  readonly _index: string
  readonly _id: string
  readonly version?: number
  readonly version_type?: 'external' | 'external_gte'
}

const MISSING = { status: 404, error: { type: 'index_not_found_exception', reason: 'no such index' } }

/**
 * OpenSearch in memory with the rules that the product relies on: a write to a missing index fails, a search shows what was
 * refreshed and at most `size` documents, and a busy cluster rejects single operations.
 */
export class DocumentIndex {
  readonly entries = new Map<string, Entry>()
  readonly indices: Set<string>
  /** Writes that are rejected with 429 before the next is carried out. */
  busy = 0
  private refreshed: ReadonlyMap<string, Entry> = new Map()

  constructor(...indices: readonly string[]) {
    this.indices = new Set(indices)
  }

  readonly client: DocumentClient = {
    bulk: async ({ body }) => ({ body: { items: this.bulk(JSON.parse(JSON.stringify(body))) } }),
    search: async ({ index, body }) => ({ body: this.search(index, body) }),
    indices: {
      refresh: async () => {
        this.refreshed = new Map(this.entries)
      },
      getMapping: async () => ({ body: mappingsOf(this.entries, this.indices) }),
    },
  }

  documentOf(index: string, id: string): Entry['document'] {
    return this.entries.get(`${index}|${id}`)?.document
  }

  versionOf(index: string, id: string): number | undefined {
    return this.entries.get(`${index}|${id}`)?.version
  }

  private bulk(lines: readonly object[]): BulkItem[] {
    const items: BulkItem[] = []
    for (let at = 0; at < lines.length; at++) {
      const [[action, target]] = Object.entries(lines[at] ?? {}) as [[Action, Target]]
      const document = action === 'delete' ? undefined : { ...lines[++at] }
      items.push({ [action]: this.write(action, target, document) })
    }
    return items
  }

  private write(action: Action, { _index, _id, version = 1, version_type }: Target, document: Entry['document']) {
    if (this.busy > 0) {
      this.busy -= 1
      return { status: 429 }
    }
    if (!this.indices.has(_index)) return MISSING
    const key = `${_index}|${_id}`
    const before = this.entries.get(key)
    const isOlder = before && (version_type === 'external' ? version <= before.version : version < before.version)
    if (isOlder || (action === 'create' && before?.document)) return { status: 409 }
    this.entries.set(key, { version, document })
    return { status: document || before?.document ? 200 : 404 }
  }

  private search(index: string, { query, size = 10, search_after: [after = Number.NEGATIVE_INFINITY] = [] }: SearchBody) {
    const terms = (query?.bool?.should ?? []) as readonly { readonly term: Readonly<Record<string, string>> }[]
    const isFound = (document: Entry['document']): boolean =>
      terms.some(({ term }) => Object.entries(term).every(([field, value]) => document?.[field] === value))
    const hits = [...this.refreshed]
      .filter(([key, { document }]) => key.startsWith(`${index}|`) && isFound(document))
      .map(([key, { version }]) => ({ _id: key.slice(index.length + 1), _version: version, sort: [windowOf(key)] }))
      .filter(({ sort: [start = 0] }) => start > Number(after))
      .sort((a, b) => (a.sort[0] ?? 0) - (b.sort[0] ?? 0))
    return { hits: { hits: hits.slice(0, size) } }
  }
}
