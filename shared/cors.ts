import type { Dialect } from './dialect.ts'
import type { Headers } from './http.ts'

/** The routes of beacons, which browsers send with credentials. */
const BEACONS = '/beacon/'
/** The console. It is for no other page. */
const CONSOLE = '/'

/**
 * Headers that let pages read a response. No response depends on cookies, so pages of all origins may read it without credentials.
 * Only for a beacon, the response must repeat the origin.
 */
export const corsHeaders = ({ origin }: Headers, path: string): Record<string, string> => {
  if (path === CONSOLE) return {}
  const exposed = { 'access-control-expose-headers': 'retry-after' }
  if (!path.startsWith(BEACONS) || !origin || origin === '*') return { 'access-control-allow-origin': '*', ...exposed }
  return { 'access-control-allow-origin': origin, 'access-control-allow-credentials': 'true', ...exposed, vary: 'origin' }
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
    vary: 'origin, access-control-request-headers',
    'access-control-allow-methods': 'GET, HEAD, POST, DELETE, OPTIONS',
    'access-control-allow-headers': [...allowed].join(', '),
    'access-control-max-age': '86400',
    ...Object.assign({}, ...dialects.map(dialect => dialect.preflight?.(request))),
  }
}
