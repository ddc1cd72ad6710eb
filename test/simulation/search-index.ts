interface Query {
  readonly query: { readonly term: Record<string, string> }
  readonly search_after?: string[]
}

interface Entry {
  readonly version: number
  /** Undefined: deleted; the version is remembered. */
  readonly document: Record<string, unknown> | undefined
}

/** OpenSearch in memory: external versions on bulk writes, and the one query that the product makes. */
export class SearchIndex {
  readonly entries = new Map<string, Entry>()

  /** The client's methods that the product calls; each goes through `call`, which decides when and how it happens. */
  client(call: <T>(run: () => T) => Promise<T>) {
    return {
      bulk: ({ body }: { body: Record<string, unknown>[] }) => call(() => ({ body: { items: this.bulk(body) } })),
      search: (request: { index: string; body: Query }) => call(() => ({ body: this.search(request) })),
      indices: { refresh: () => call(() => ({})) },
    }
  }

  private bulk(lines: Record<string, unknown>[]): unknown[] {
    const items: unknown[] = []
    for (let at = 0; at < lines.length; at++) {
      const [[action, head]] = Object.entries(lines[at] ?? {}) as [[string, { _index: string; _id: string; version: number }]]
      const document = action === 'index' ? (lines[++at] as Record<string, unknown>) : undefined
      items.push({ [action]: { status: this.write(`${head._index}|${head._id}`, head.version, document) } })
    }
    return items
  }

  private write(key: string, version: number, document: Entry['document']): number {
    const before = this.entries.get(key)
    if (before && version < before.version) return 409
    this.entries.set(key, { version, document })
    return before?.document || document ? 200 : 404
  }

  private search({ index, body }: { index: string; body: Query }) {
    const [[field, value]] = Object.entries(body.query.term) as [[string, string]]
    const hits = [...this.entries]
      .filter(([key, { document }]) => key.startsWith(`${index}|`) && document?.[field] === value)
      .map(([key, { version }]) => ({ _id: key.slice(index.length + 1), _version: version, sort: [key] }))
      .filter(({ sort: [key] }) => (key ?? '') > (body.search_after?.[0] ?? ''))
      .sort((a, b) => (a._id < b._id ? -1 : 1))
    return { hits: { hits } }
  }
}
