import { keyOf, type Scope } from './keys.ts'

/** What the API answered instead of what was asked for. */
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

export type Row = Readonly<Record<string, unknown>>
export interface Page {
  readonly data: readonly Row[]
  readonly cursor: string | null
}

/** A GET of the API; throws an ApiError for every answer but 2xx. `accept` takes further statuses, such as health's 503. */
export const get = <Body>(path: string, scope: Scope | null, accept: readonly number[] = []): Promise<Body> =>
  ask<Body>(path, {}, scope, accept)

export const post = <Body>(path: string, body: unknown): Promise<Body> =>
  ask<Body>(path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }, 'write', [])

async function ask<Body>(path: string, init: RequestInit, scope: Scope | null, accept: readonly number[]): Promise<Body> {
  const key = scope && keyOf(scope)
  if (scope && !key) throw new ApiError(401, 'key_missing', `This needs a key of scope ${scope}: press K.`)
  const headers = new Headers(init.headers)
  if (key) headers.set('authorization', `Bearer ${key}`)
  const response = await fetch(path, { ...init, headers, signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(() => {
    throw new ApiError(0, 'unreachable', 'The API does not answer.')
  })
  const body = (await response.json().catch(() => ({}))) as { code?: string; message?: string }
  if (response.ok || accept.includes(response.status)) return body as Body
  throw new ApiError(response.status, body.code ?? String(response.status), body.message ?? response.statusText)
}

/** A path below /v1 with its parameters; those without a value are left out. */
export function pathTo(segments: readonly string[], parameters: Readonly<Record<string, string | undefined>> = {}): string {
  const given = Object.entries(parameters).filter((pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== '')
  const query = new URLSearchParams(given).toString()
  return `/v1/${segments.map(encodeURIComponent).join('/')}${query && `?${query}`}`
}
