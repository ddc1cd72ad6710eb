import { gzipSync } from 'node:zlib'
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { corsHeaders } from '../shared/cors.ts'
import type { Headers } from '../shared/http.ts'

/** The part of API Gateway's event (payload format 2.0) that every response depends on. */
export interface AnyRequest {
  readonly headers: Headers
  readonly rawPath: string
  readonly requestContext: { readonly http: { readonly method: string } }
}

const YEAR_SECONDS = 31_536_000

/** Smaller responses are not worth the time. */
const MIN_GZIP_BYTES = 64 * 2 ** 10

/** Adds the headers that every response has; its own headers win. Browsers remember HSTS only from https. */
export function complete(request: AnyRequest, response: APIGatewayProxyStructuredResultV2): APIGatewayProxyStructuredResultV2 {
  const { headers, rawPath, requestContext } = request
  const common = {
    ...corsHeaders(headers, rawPath),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(headers['x-forwarded-proto'] === 'https' && { 'strict-transport-security': `max-age=${YEAR_SECONDS}` }),
  }
  return toClient(requestContext.http.method, headers, { ...response, headers: { ...common, ...response.headers } })
}

/** The response to a request: to HEAD, that of GET without its body; a large body as gzip, if the client accepts it. */
export function toClient(
  method: string,
  headers: Headers,
  response: APIGatewayProxyStructuredResultV2,
): APIGatewayProxyStructuredResultV2 {
  const { body, ...head } = response
  if (method === 'HEAD') return head
  if (body === undefined || response.isBase64Encoded || Buffer.byteLength(body) < MIN_GZIP_BYTES) return response
  const varying = { ...head.headers, vary: [head.headers?.['vary'], 'accept-encoding'].filter(Boolean).join(', ') }
  if (!acceptsGzip(headers['accept-encoding'])) return { ...response, headers: varying }
  return {
    ...head,
    headers: { ...varying, 'content-encoding': 'gzip' },
    body: gzipSync(body).toString('base64'),
    isBase64Encoded: true,
  }
}

/** Whether Accept-Encoding (RFC 9110, 12.5.3) names gzip with a weight above 0. */
const acceptsGzip = (accepted = ''): boolean =>
  accepted.split(',').some(each => {
    const [coding = '', weight = 'q=1'] = each.split(';').map(part => part.trim().toLowerCase())
    return coding === 'gzip' && Number(weight.replace(/^q=/, '')) > 0
  })
