import { createHash } from 'node:crypto'
import { Transport } from '@opensearch-project/opensearch'

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

type Head = { readonly _index: string; readonly _id: string; readonly version?: number }

/** OpenSearch behind its client: keeps what is written by its version, and every request as it was sent. */
export class SearchCluster {
  readonly requests: unknown[] = []
  /** How many more bulk requests meet a cluster that has no time. */
  busy = 0
  private readonly documents = new Map<string, Stored>()

  answer(request: Request): { readonly statusCode: number; readonly body: unknown } {
    const { method, path, querystring, body, bulkBody } = request
    this.requests.push([method, path, querystring ?? {}, bulkBody ?? body ?? null])
    if (path.endsWith('/_bulk')) return { statusCode: 200, body: { items: this.bulk(bulkBody ?? []) } }
    if (path.endsWith('/_search')) return { statusCode: 200, body: { hits: { hits: this.search(path, body as SearchBody) } } }
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
    // One in some hundred documents is of a kind that the cluster never takes.
    if (createHash('sha256').update(key).digest()[0] === 7)
      return { status: 400, error: { type: 'mapper_parsing_exception', reason: 'refused' } }
    if (before && (action === 'create' || before.version > version)) return { status: 409 }
    if (!before && action === 'delete') return { status: 404 }
    this.documents.set(key, { index, version, source })
    return { status: before ? 200 : 201 }
  }

  /** Whatever the query, the documents of the index in the order of their ids: the query itself is in `requests`. */
  private search(path: string, body: SearchBody): unknown[] {
    if (body.search_after) return []
    const wanted = decodeURIComponent(path.split('/')[1] ?? '').replace('*', '')
    return [...this.documents]
      .filter(([, { index, source }]) => index.startsWith(wanted) && source !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, body.size ?? 10)
      .map(([key, { version, source }]) => ({ _id: key.split(' ')[1], _version: version, _source: source, sort: [key] }))
  }
}

interface SearchBody {
  readonly size?: number
  readonly search_after?: unknown
}

/** Sends the requests of every client of OpenSearch to a cluster in memory. */
export function interceptSearch(cluster: () => SearchCluster): void {
  const request = async (params: Request) => ({ ...cluster().answer(params), headers: {}, warnings: null, meta: {} })
  Transport.prototype.request = request as never
}
