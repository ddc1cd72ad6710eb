import { createHash } from 'node:crypto'
import type { Headers } from './http.ts'
import { type Rejection, reject } from './rejections.ts'

/** `client` is for keys in web pages and apps, which everybody can copy: it sends events, like `write`, but claims no source. */
export type Scope = 'client' | 'write' | 'read' | 'admin'

/** Values that a key permits; `*` permits all. */
export type Allowed = readonly string[] | '*'

/** How many events may be sent with a key. Each also permits 1 KB of bodies for each event. */
export interface Quota {
  readonly minute: number | 'none'
  readonly day: number | 'none'
}

/** A key as the functions know it: never the key itself. */
export interface Key {
  /** Names the key in stores and logs. */
  readonly id: string
  readonly name: string
  readonly scope: Scope
  /** The source of events that claim none. All events of a client key have it. */
  readonly source: string
  /** Other sources that events of a write key may claim. */
  readonly sources: Allowed
  /** The event types that may be sent with it. */
  readonly types: Allowed
  /** The origins of the web pages that may send with it. */
  readonly origins: Allowed
  /** Undefined: the quota of its scope. */
  readonly quota: Quota | undefined
  /** Milliseconds since 1970. Undefined: never. */
  readonly expires: number | undefined
  /** Signs the users of a client key's `user_traits`. Undefined if it was created without one. */
  readonly secret: string | undefined
}

/** What limits a key. Undefined: not given. */
export interface KeyLimits {
  readonly sources?: Allowed | undefined
  readonly types?: Allowed | undefined
  readonly origins?: Allowed | undefined
  readonly quota?: Quota | undefined
  /** Milliseconds since 1970. */
  readonly expires?: number | undefined
}

export interface KeyStore {
  /** The key; undefined if it does not exist, was revoked or has expired. Throws if the table is not reachable. */
  find(key: string): Promise<Key | undefined>
}

export const keyHash = (key: string): string => createHash('sha256').update(key).digest('hex')

const ID_CHARACTERS = 16

/** The id of a key. It derives from the hash, so that keys of earlier versions have one, too. */
export const keyId = (hash: string): string => `k_${hash.slice(0, ID_CHARACTERS)}`

/** Whether a key permits a value. */
export const permits = (allowed: Allowed, value: string): boolean => allowed === '*' || allowed.includes(value)

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
export const allows = (scope: Scope, needed: Scope): boolean =>
  scope === needed || scope === 'admin' || (scope === 'client' && needed === 'write')

/** Whether a key with this scope may stand in a URL. */
export const mayBeInUrl = (scope: Scope): boolean => scope === 'client' || scope === 'write'

export const IN_URL =
  'Only client and write keys are accepted in ?writeKey=. Send this key as `Authorization: Bearer KEY`, and revoke it if the URL was stored.'
