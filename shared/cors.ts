import type { Headers } from './http.ts'

/** Headers that SDKs send from browsers. They are listed because `*` does not include Authorization (Fetch standard). */
const ALLOWED_HEADERS = [
  'authorization',
  'content-type',
  'x-retry-count',
  'anonymousid',
  'sentat',
  'rsa-retry-attempt',
  'rsa-since-last-attempt',
  'rsa-since-first-attempt',
  'rsa-retry-reason',
  'rsa-recovered',
  'x-write-key',
  'x-ip-policy',
  'x-enable-debug',
  'sp-anonymous',
].join(', ')

/** Headers of every response. A beacon is sent with credentials, so the response must repeat its origin. */
export const corsHeaders = (request: Headers): Record<string, string> => {
  const { origin } = request
  return origin
    ? {
        'access-control-allow-origin': origin,
        'access-control-allow-credentials': 'true',
        'access-control-expose-headers': 'retry-after',
        vary: 'origin',
      }
    : { 'access-control-allow-origin': '*', 'access-control-expose-headers': 'retry-after' }
}

/**
 * Headers of the response to OPTIONS, for browsers and for CloudEvents web hooks, which ask for permission before they deliver.
 */
export const preflightHeaders = (request: Headers): Record<string, string> => {
  const webHook = request['webhook-request-origin']
  return {
    ...corsHeaders(request),
    'access-control-allow-methods': 'GET, POST, DELETE, OPTIONS',
    'access-control-allow-headers': ALLOWED_HEADERS,
    'access-control-max-age': '86400',
    ...(webHook && { 'webhook-allowed-origin': webHook, 'webhook-allowed-rate': '*' }),
  }
}
