import { Client } from '@opensearch-project/opensearch'
import { AwsSigv4Signer } from '@opensearch-project/opensearch/aws-v3'
import type { BulkOperation } from '../../shared/bulk-operation.ts'

const REQUEST_TIMEOUT_MS = 30_000

/** A client of the search cluster: signed as the function's role on https, plain on http (the local node). Retries are the callers'. */
export function openSearch(url: string): Client {
  // A client's field may be called __proto__: the protection would throw at every answer that has it in a document.
  const options = { node: url, maxRetries: 0, requestTimeout: REQUEST_TIMEOUT_MS, disablePrototypePoisoningProtection: true }
  if (!url.startsWith('https:')) return new Client(options)
  return new Client({
    ...options,
    ...AwsSigv4Signer({ region: process.env['AWS_REGION'] ?? '', service: 'es', getCredentials: roleCredentials }),
  })
}

/** Lambda keeps the role's credentials in the environment, which it ends before they expire. */
const roleCredentials = async () => ({
  accessKeyId: process.env['AWS_ACCESS_KEY_ID'] ?? '',
  secretAccessKey: process.env['AWS_SECRET_ACCESS_KEY'] ?? '',
  sessionToken: process.env['AWS_SESSION_TOKEN'] ?? '',
})

export interface BulkResult {
  readonly status: number
  /** The error's type and reason where the status is one. */
  readonly reason: string
}

/** Sends operations and returns an answer for each, in order. Throws when the cluster did not take the request at all. */
export async function bulk(client: Client, operations: readonly BulkOperation[]): Promise<BulkResult[]> {
  const body = operations.flatMap(operation => {
    const place = { _index: operation.index, _id: operation.id }
    if (operation.action === 'create') return [{ create: place }, operation.document]
    const head = { [operation.action]: { ...place, version: operation.version, version_type: 'external_gte' } }
    return operation.action === 'index' ? [head, operation.document] : [head]
  })
  const answer = await client.bulk({ body })
  return answer.body.items.map(item => {
    const [result] = Object.values(item)
    return { status: result?.status ?? 500, reason: `${result?.error?.type ?? ''}: ${result?.error?.reason ?? ''}` }
  })
}
