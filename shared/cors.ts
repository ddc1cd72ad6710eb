import type { Dialect } from './dialect.ts'
import type { Headers } from './http.ts'

/** Headers of every response. A beacon is sent with credentials, so the response must repeat its origin. */
export const corsHeaders = (request: Headers): Record<string, string> => {
  const { origin } = request
  return origin && origin !== '*'
    ? {
        'access-control-allow-origin': origin,
        'access-control-allow-credentials': 'true',
        'access-control-expose-headers': 'retry-after',
        vary: 'origin',
      }
    : { 'access-control-allow-origin': '*', 'access-control-expose-headers': 'retry-after' }
}

/** Headers that SDKs of several dialects send from browsers. */
const COMMON_HEADERS = ['x-write-key', 'x-ip-policy', 'x-enable-debug', 'sp-anonymous']

const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]{1,64}$/
const MAX_ASKED_HEADERS = 64

/**
 * The headers that a preflight request asks for: pages add their own, for example for tracing. No response depends on them. `*`
 * would allow every header to a request without credentials, so it is not repeated.
 */
const askedHeaders = (names = ''): string[] =>
  names
    .split(',')
    .map(name => name.trim().toLowerCase())
    .filter(name => HEADER_NAME.test(name) && name !== '*')
    .slice(0, MAX_ASKED_HEADERS)

/** Headers of the response to OPTIONS. The allowed ones are listed because `*` does not include Authorization (Fetch standard). */
export const preflightHeaders = (request: Headers, dialects: readonly Dialect[]): Record<string, string> => {
  const ofDialects = dialects.flatMap(({ corsHeaders = [] }) => corsHeaders)
  const asked = askedHeaders(request['access-control-request-headers'])
  const allowed = new Set(['authorization', 'content-type', ...ofDialects, ...COMMON_HEADERS, ...asked])
  return {
    ...corsHeaders(request),
    vary: 'origin, access-control-request-headers',
    'access-control-allow-methods': 'GET, HEAD, POST, DELETE, OPTIONS',
    'access-control-allow-headers': [...allowed].join(', '),
    'access-control-max-age': '86400',
    ...Object.assign({}, ...dialects.map(dialect => dialect.preflight?.(request))),
  }
}
