import { Client } from '@opensearch-project/opensearch'
import { AwsSigv4Signer } from '@opensearch-project/opensearch/aws-v3'

const TIMEOUT_MS = 30_000

/** A client of the search cluster: signed as the function's role on https, plain on http (the local node). Retries are the callers'. */
export function openSearch(url: string): Client {
  // A client's field may be called __proto__: the protection would throw at every answer that has it in a document.
  const options = { node: url, maxRetries: 0, requestTimeout: TIMEOUT_MS, disablePrototypePoisoningProtection: true }
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

/** One line of a bulk request. Versions are external: the greater one wins, the same one again changes nothing. */
export type BulkOperation = { readonly index: string; readonly id: string } & (
  | { readonly action: 'index'; readonly version: number; readonly document: Readonly<Record<string, unknown>> }
  | { readonly action: 'delete'; readonly version: number }
  /** Written only where there is no such document yet. */
  | { readonly action: 'create'; readonly document: Readonly<Record<string, unknown>> }
)

export interface BulkAnswer {
  readonly status: number
  /** The error's type and reason where the status is one. */
  readonly reason: string
}

/** Sends operations and returns an answer for each, in order. Throws when the cluster did not take the request at all. */
export async function bulk(client: Client, operations: readonly BulkOperation[]): Promise<BulkAnswer[]> {
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
