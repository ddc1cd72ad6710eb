import { createHash } from 'node:crypto'
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import type { Headers } from '../../shared/http.ts'
import { type Rejection, rejections } from '../../shared/rejections.ts'
import type { ConsolePage } from './console-page.ts'

export type HttpResponse = APIGatewayProxyStructuredResultV2

const RETRY_AFTER_SECONDS = '5'
/** How long a document is used without asking again. It changes only with a deployment. */
const DOCUMENT_CACHE_SECONDS = 60

/** A JSON response. */
export const json = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): HttpResponse => ({
  statusCode: status,
  headers: {
    'content-type': 'application/json',
    ...(status === 503 && { 'retry-after': RETRY_AFTER_SECONDS }),
    ...headers,
  },
  body: JSON.stringify(body),
})

export const rejectWith = ({ code, message }: Rejection): HttpResponse =>
  json(rejections[code].status, { success: false, code, message })

/** A response that is the same for every request until the next deployment. */
export interface StaticDocument {
  readonly body: string
  readonly headers: Readonly<Record<string, string>> & { readonly etag: string; readonly 'cache-control': string }
}

export const staticDocument = (body: string, headers: Readonly<Record<string, string>>): StaticDocument => ({
  body,
  headers: {
    ...headers,
    // Weak: the body may be sent as gzip.
    etag: `W/"${createHash('sha256').update(body).digest('base64url')}"`,
    'cache-control': `public, max-age=${DOCUMENT_CACHE_SECONDS}`,
  },
})

/** The document, or 304 if the client has it. */
export function respondWithDocument({ body, headers }: StaticDocument, request: Headers): HttpResponse {
  const known = (request['if-none-match'] ?? '').split(',').map(tag => tag.trim().replace(/^(?=")/, 'W/'))
  const { etag, 'cache-control': cacheControl } = headers
  if (known.includes(etag) || known.includes('*')) return { statusCode: 304, headers: { etag, 'cache-control': cacheControl } }
  return { statusCode: 200, headers, body }
}

/** The console page with its Content-Security-Policy. */
export const htmlDocument = ({ html, policy }: ConsolePage): StaticDocument =>
  staticDocument(html, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy,
    'cross-origin-opener-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
  })
