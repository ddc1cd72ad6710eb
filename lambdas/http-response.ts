import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { corsHeaders } from '../shared/cors.ts'
import type { Headers } from '../shared/http.ts'

/** The part of API Gateway's event (payload format 2.0) that the headers of every response depend on. */
export interface AnyRequest {
  readonly headers: Headers
  readonly rawPath: string
  readonly requestContext: { readonly http: { readonly method: string } }
}

const YEAR_SECONDS = 31_536_000

/**
 * Adds the headers that every response has; its own headers win. Browsers remember HSTS only from https. The response to HEAD is that
 * of GET without its body.
 */
export function complete(
  { headers, rawPath, requestContext }: AnyRequest,
  { body, ...response }: APIGatewayProxyStructuredResultV2,
): APIGatewayProxyStructuredResultV2 {
  const common = {
    ...corsHeaders(headers, rawPath),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(headers['x-forwarded-proto'] === 'https' && { 'strict-transport-security': `max-age=${YEAR_SECONDS}` }),
  }
  const completed = { ...response, headers: { ...common, ...response.headers } }
  return requestContext.http.method === 'HEAD' || body === undefined ? completed : { ...completed, body }
}
