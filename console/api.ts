import type { Scope } from '../shared/keys.ts'
import { keyOf } from './keys.ts'

/** An error response of the API, or no response (status 0). */
export class ApiError extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.code = code
  }
}

const TIMEOUT_MS = 15_000

/** Sends a GET request. Throws an ApiError unless the status is 2xx or in `accept`, such as 503 of /v1/health. */
export const get = <Body>(path: string, scope: Scope | null, accept: readonly number[] = []): Promise<Body> =>
  send<Body>(path, {}, scope, accept)

/** Sends a POST request with a JSON body. Throws an ApiError unless the status is 2xx. */
export const post = <Body>(path: string, body: unknown): Promise<Body> =>
  send<Body>(path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }, 'write', [])

async function send<Body>(path: string, init: RequestInit, scope: Scope | null, accept: readonly number[]): Promise<Body> {
  const key = scope && keyOf(scope)
  if (scope && !key)
    throw new ApiError(401, 'key_missing', `This view needs a key with the scope ${scope}. Press K to enter one.`)
  const headers = new Headers(init.headers)
  if (key) headers.set('authorization', `Bearer ${key}`)
  const response = await fetch(path, { ...init, headers, signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(() => {
    throw new ApiError(0, 'unreachable', 'The API does not respond.')
  })
  const body = (await response.json().catch(() => ({}))) as { code?: string; message?: string }
  if (response.ok || accept.includes(response.status)) return body as Body
  throw new ApiError(response.status, body.code ?? String(response.status), body.message ?? response.statusText)
}

/** A path under /v1 with its query parameters. Parameters without a value are left out. */
export function pathTo(segments: readonly string[], parameters: Readonly<Record<string, string | undefined>> = {}): string {
  const given = Object.entries(parameters).filter((pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== '')
  const query = new URLSearchParams(given).toString()
  return `/v1/${segments.map(encodeURIComponent).join('/')}${query && `?${query}`}`
}
