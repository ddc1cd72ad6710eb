import { createHash } from 'node:crypto'
import { type Rejection, reject } from './rejections.ts'

export type Scope = 'write' | 'read' | 'admin'

export interface Key {
  /** The default source of its events. */
  readonly name: string
  readonly scope: Scope
}

export interface KeyStore {
  /** The key, or undefined when it is known not to exist or to be revoked. Throws when the table cannot be asked. */
  find(key: string): Promise<Key | undefined>
}

export const keyHash = (key: string): string => createHash('sha256').update(key).digest('hex')

/** The key that a request presents, wherever clients put it; two that differ are a conflict, none is `key_missing`. */
export function presentedKey(request: {
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly query?: Readonly<Record<string, string | undefined>> | undefined
  readonly bodyKeys?: readonly string[]
}): string | Rejection {
  const { headers, query, bodyKeys = [] } = request
  const presented = [fromAuthorization(headers['authorization']), headers['x-write-key'], ...bodyKeys, query?.['writeKey']]
  const keys = new Set(presented.filter(key => key))
  const [key] = keys
  if (keys.size > 1) return reject('key_conflict')
  return key ?? reject('key_missing')
}

/** `Bearer KEY`, or `Basic` with the key as user. */
function fromAuthorization(header: string | undefined): string | undefined {
  const [, scheme, value] = /^(Bearer|Basic)\s+(\S+)$/i.exec(header ?? '') ?? []
  if (!scheme || !value) return undefined
  if (scheme.toLowerCase() === 'bearer') return value
  return Buffer.from(value, 'base64').toString().split(':')[0]
}

/** Whether a key of this scope may do what needs `needed`. */
export const allows = (scope: Scope, needed: Scope): boolean => scope === needed || scope === 'admin'
