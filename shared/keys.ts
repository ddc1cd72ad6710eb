import { createHash } from 'node:crypto'
import type { Headers } from './http.ts'
import { type Rejection, reject } from './rejections.ts'

export type Scope = 'write' | 'read' | 'admin'

export interface Key {
  /** The default source of events sent with this key. */
  readonly name: string
  readonly scope: Scope
}

export interface KeyStore {
  /** The key; undefined if it does not exist or was revoked. Throws if the table is not reachable. */
  find(key: string): Promise<Key | undefined>
}

export const keyHash = (key: string): string => createHash('sha256').update(key).digest('hex')

/** The key of a request, from any place where clients put it. Rejects two different keys, and a request without a key. */
export function presentedKey(request: {
  readonly headers: Headers
  readonly query?: Readonly<Record<string, string | undefined>> | undefined
  readonly bodyKeys?: readonly string[]
}): string | Rejection {
  const { headers, query, bodyKeys = [] } = request
  const presented = [
    ...repeated(headers['authorization']).map(fromAuthorization),
    ...repeated(headers['x-write-key']),
    ...bodyKeys,
    ...repeated(query?.['writeKey']),
  ]
  const keys = new Set(presented.filter(key => key))
  const [key] = keys
  if (keys.size > 1) return reject('key_conflict')
  return key ?? reject('key_missing')
}

/**
 * Whether a request has this key in `?writeKey=`. Browsers, proxies and access logs store URLs, so keys that read are never accepted
 * there.
 */
export const isInQuery = (key: string, query: Readonly<Record<string, string | undefined>> | undefined): boolean =>
  repeated(query?.['writeKey']).includes(key)

/** API Gateway joins the values of a header or parameter that is given several times with commas. Keys have no commas. */
const repeated = (values = ''): string[] => values.split(',').map(value => value.trim())

/** The key in `Bearer KEY`, or in `Basic` with the key as the user name. */
function fromAuthorization(header: string): string | undefined {
  const [, scheme, value] = /^(Bearer|Basic)\s+(\S+)$/i.exec(header) ?? []
  if (!scheme || !value) return undefined
  if (scheme.toLowerCase() === 'bearer') return value
  return Buffer.from(value, 'base64').toString().split(':')[0]
}

/** Whether a key with this scope may call a route that needs the scope `needed`. */
export const allows = (scope: Scope, needed: Scope): boolean => scope === needed || scope === 'admin'

/** Whether a key with this scope may stand in a URL. */
export const mayBeInUrl = (scope: Scope): boolean => scope === 'write'

export const IN_URL =
  'Only write keys are accepted in ?writeKey=. Send this key as `Authorization: Bearer KEY`, and revoke it if the URL was stored.'
