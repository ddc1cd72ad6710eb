import { type API, Client, Connection, errors, Serializer } from '@opensearch-project/opensearch'
import { AwsSigv4Signer } from '@opensearch-project/opensearch/aws-v3'
import type { BulkOperation } from '../../shared/bulk-operation.ts'
import type { BulkResult } from '../../shared/bulk-outcome.ts'
import { withExactIntegers } from '../../shared/exact-json.ts'
import { retryingConnection } from './opensearch-connection.ts'

const REQUEST_TIMEOUT_MS = 30_000

/** The client's method that `bulk` uses. */
export interface BulkClient {
  bulk(request: { readonly body: object[] }): PromiseLike<{ readonly body: { readonly items: BulkItem[] } }>
}

/** The client's methods that write documents and delete those of an erased user. The simulation implements them in memory. */
export interface DocumentClient extends BulkClient {
  search(request: SearchRequest): PromiseLike<{ readonly body: { readonly hits: { readonly hits: SearchHit[] } } }>
  readonly indices: {
    refresh(request: { readonly index: string; readonly ignore_unavailable: true }): PromiseLike<unknown>
    getMapping(request: { readonly index: string }): PromiseLike<{ readonly body: Readonly<Record<string, IndexMapping>> }>
  }
}

interface IndexMapping {
  readonly mappings: { readonly properties?: Readonly<Record<string, { readonly type?: string }>> }
}

/** The result of one operation under the name of its action. */
type BulkItem = Partial<Record<BulkOperation['action'], BulkItemResult>>
type BulkItemResult = { readonly status: number; readonly error?: BulkError }
type BulkError = { readonly type?: string; readonly reason?: string }
type SearchRequest = { readonly index: string; readonly ignore_unavailable: true; readonly body: API.Search_RequestBody }
type SearchHit = Pick<API.Search_ResponseBody['hits']['hits'][number], '_id' | '_version' | 'sort'>

/** Documents keep the digits of long integers. */
export class ExactSerializer extends Serializer {
  override deserialize(text: string): unknown {
    return withExactIntegers(super.deserialize(text), text)
  }
}

/**
 * A client of the search cluster. It signs requests with the function's role on https, and not on http (the local node).
 * It sends a request again only after a connection error, once; callers retry all others.
 */
export function openSearch(url: string): Client {
  // A document may have a client's field named __proto__: with the protection, the client would throw on each response with it.
  const options = {
    node: url,
    maxRetries: 0,
    // There is one node: after a failure, the client must not ping it with `HEAD /`, which the roles do not permit.
    resurrectStrategy: 'none',
    requestTimeout: REQUEST_TIMEOUT_MS,
    disablePrototypePoisoningProtection: true,
    Serializer: ExactSerializer,
  } as const
  if (!url.startsWith('https:')) return new Client({ ...options, Connection: retryingConnection(Connection) })
  const signer = AwsSigv4Signer({ region: process.env['AWS_REGION'] ?? '', service: 'es', getCredentials: roleCredentials })
  return new Client({ ...options, ...signer, Connection: retryingConnection(signer.Connection) })
}

/** The role's credentials from the environment. Lambda ends the environment before they expire. */
const roleCredentials = async () => ({
  accessKeyId: process.env['AWS_ACCESS_KEY_ID'] ?? '',
  secretAccessKey: process.env['AWS_SECRET_ACCESS_KEY'] ?? '',
  sessionToken: process.env['AWS_SESSION_TOKEN'] ?? '',
})

/**
 * Sends operations and returns one result for each, in order. Throws when the cluster is busy or down. OpenSearch refuses a whole
 * request for one operation that it never accepts: the request is halved until that operation is alone.
 */
export async function bulk(client: BulkClient, operations: readonly BulkOperation[]): Promise<BulkResult[]> {
  try {
    return await bulkOnce(client, operations)
  } catch (error) {
    const [first, ...others] = operations
    if (!first || !isRefusedRequest(error)) throw error
    if (others.length === 0) return [{ action: first.action, status: error.statusCode, reason: error.message }]
    const half = Math.ceil(operations.length / 2)
    return [...(await bulk(client, operations.slice(0, half))), ...(await bulk(client, operations.slice(half)))]
  }
}

/**
 * Whether OpenSearch refuses the content of a request, whenever it is sent. A 400 without an error of OpenSearch comes from
 * something else, such as a proxy.
 */
function isRefusedRequest(error: unknown): error is errors.ResponseError & { readonly statusCode: 400 | 413 } {
  if (!(error instanceof errors.ResponseError)) return false
  const { statusCode, body } = error as { readonly statusCode?: number; readonly body?: { readonly error?: unknown } | null }
  return statusCode === 413 || (statusCode === 400 && typeof body === 'object' && body?.error !== undefined)
}

async function bulkOnce(client: BulkClient, operations: readonly BulkOperation[]): Promise<BulkResult[]> {
  const { body } = await client.bulk({ body: operations.flatMap(linesOf) })
  return body.items.map(item => {
    const [action, result] = Object.entries(item)[0] as [BulkOperation['action'], BulkItemResult]
    return { action, status: result.status, reason: `${result.error?.type ?? ''}: ${result.error?.reason ?? ''}` }
  })
}

/** The lines of an operation in a bulk request: its action, then its document if it has one. */
function linesOf(operation: BulkOperation): object[] {
  const target = { _index: operation.index, _id: operation.id }
  if (operation.action === 'create') return [{ create: target }, operation.document]
  const action = { [operation.action]: { ...target, version: operation.version, version_type: 'external_gte' } }
  return operation.action === 'index' ? [action, operation.document] : [action]
}
