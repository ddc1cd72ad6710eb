import type { Dialect } from './dialect.ts'
import type { Headers } from './http.ts'

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

/** Headers that SDKs of several dialects send from browsers. */
const COMMON_HEADERS = ['x-write-key', 'x-ip-policy', 'x-enable-debug', 'sp-anonymous']

/** Headers of the response to OPTIONS. The allowed ones are listed because `*` does not include Authorization (Fetch standard). */
export const preflightHeaders = (request: Headers, dialects: readonly Dialect[]): Record<string, string> => {
  const ofDialects = dialects.flatMap(({ corsHeaders = [] }) => corsHeaders)
  return {
    ...corsHeaders(request),
    'access-control-allow-methods': 'GET, POST, DELETE, OPTIONS',
    'access-control-allow-headers': ['authorization', 'content-type', ...ofDialects, ...COMMON_HEADERS].join(', '),
    'access-control-max-age': '86400',
    ...Object.assign({}, ...dialects.map(dialect => dialect.preflight?.(request))),
  }
}
