import { createHash } from 'node:crypto'
import { Transport } from '@opensearch-project/opensearch'
import { mappingsOf, windowOf } from '../../fakes/index-entries.ts'

interface Request {
  readonly method: string
  readonly path: string
  readonly querystring?: object
  readonly body?: unknown
  readonly bulkBody?: readonly Readonly<Record<string, unknown>>[]
}

interface Stored {
  readonly index: string
  readonly version: number
  /** Undefined: deleted. */
  readonly source: unknown
}

type Source = Readonly<Record<string, unknown>> | undefined
type Head = { readonly _index: string; readonly _id: string; readonly version?: number }

/** An in-memory OpenSearch behind its client. It keeps documents by external version and records every request. */
export class SearchCluster {
  readonly requests: unknown[] = []
  /** How many more bulk requests are rejected with 429. */
  busy = 0
  private readonly documents = new Map<string, Stored>()

  respond(request: Request): { readonly statusCode: number; readonly body: unknown } {
    const { method, path, querystring, body, bulkBody } = request
    this.requests.push([method, path, querystring ?? {}, bulkBody ?? body ?? null])
    if (path.endsWith('/_bulk')) return { statusCode: 200, body: { items: this.bulk(bulkBody ?? []) } }
    if (path.endsWith('/_search')) return { statusCode: 200, body: { hits: { hits: this.search(path, body as SearchBody) } } }
    if (method === 'GET' && path.endsWith('/_mapping')) return { statusCode: 200, body: this.mappings() }
    if (path.startsWith('/_alias')) return { statusCode: 404, body: { error: 'missing', status: 404 } }
    if (method === 'HEAD') return { statusCode: path === '/' ? 200 : 404, body: path === '/' }
    if (method === 'GET') return { statusCode: 200, body: Object.fromEntries(this.indices().map(index => [index, {}])) }
    return { statusCode: 200, body: {} }
  }

  private indices(): string[] {
    return [...new Set([...this.documents.values()].map(({ index }) => index))]
      .filter(index => index.startsWith('events-'))
      .sort()
  }

  private mappings(): object {
    const entries = [...this.documents].map(
      ([key, { source }]) => [key.replace(' ', '|'), { document: source as Source }] as const,
    )
    return mappingsOf(new Map(entries.filter(([key]) => !key.startsWith('events-'))))
  }

  private bulk(lines: readonly Readonly<Record<string, unknown>>[]): unknown[] {
    const items: unknown[] = []
    const isBusy = this.busy > 0
    if (isBusy) this.busy -= 1
    for (let at = 0; at < lines.length; at++) {
      const [action, head] = Object.entries(lines[at] ?? {})[0] as [string, Head]
      const source = action === 'delete' ? undefined : lines[++at]
      items.push({ [action]: isBusy ? { status: 429 } : this.write(action, head, source) })
    }
    return items
  }

  private write(action: string, { _index: index, _id: id, version = 1 }: Head, source: unknown): object {
    const key = `${index} ${id}`
    const before = this.documents.get(key)
    // About one in 256 documents does not fit the mapping.
    if (createHash('sha256').update(key).digest()[0] === 7)
      return { status: 400, error: { type: 'mapper_parsing_exception', reason: 'refused' } }
    if (before && (action === 'create' || before.version > version)) return { status: 409 }
    if (!before && action === 'delete') return { status: 404 }
    this.documents.set(key, { index, version, source })
    return { status: before ? 200 : 201 }
  }

  /** The documents of the index, sorted by id. It ignores the query, which is in `requests`. */
  private search(path: string, body: SearchBody): unknown[] {
    if (body.search_after) return []
    const prefix = decodeURIComponent(path.split('/')[1] ?? '').replace('*', '')
    return [...this.documents]
      .filter(([, { index, source }]) => index.startsWith(prefix) && source !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, body.size ?? 10)
      .map(([key, { version, source }]) => ({
        ...{ _id: key.split(' ')[1], _version: version, _source: source },
        sort: [body.version ? windowOf(key.replace(' ', '|')) : key],
      }))
  }
}

interface SearchBody {
  readonly version?: boolean
  readonly size?: number
  readonly search_after?: unknown
}

/** Redirects the requests of every OpenSearch client to a cluster in memory. */
export function interceptSearch(cluster: () => SearchCluster): void {
  const request = async (params: Request) => ({ ...cluster().respond(params), headers: {}, warnings: null, meta: {} })
  Object.assign(Transport.prototype, { request })
}
