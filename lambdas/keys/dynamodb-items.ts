import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import { type Allowed, type Key, keyId, type Quota, type Scope } from '../../shared/keys.ts'
import type { Attributes } from '../dynamodb.ts'

/** A key as the table holds it. */
export interface StoredKey extends Key {
  /** SHA-256 of the key, in hex. */
  readonly hash: string
  /** RFC 3339. */
  readonly created: string
  readonly revoked: string | undefined
}

/** Attributes that an item has only if they limit the key. */
interface KeyItem {
  readonly hash: string
  readonly name: string
  readonly scope: Scope
  readonly created: string
  readonly revoked?: string
  readonly source?: string
  readonly sources?: Allowed
  readonly types?: Allowed
  readonly origins?: Allowed
  readonly quota?: Quota
  /** RFC 3339. */
  readonly expires?: string
  readonly secret?: string
}

/** The attributes of a key; what is undefined is left out. */
export const toKeyItem = ({ id: _id, expires, ...facts }: StoredKey): Attributes =>
  marshall({ ...facts, expires: instantText(expires) }, { removeUndefinedValues: true })

/** RFC 3339. */
export const instantText = (milliseconds: number | undefined): string | undefined =>
  milliseconds === undefined ? undefined : new Date(milliseconds).toISOString()

/** A key of an earlier version has a name and a scope only: it may claim every source and send every type. */
export function fromKeyItem(attributes: Attributes): StoredKey {
  const item = unmarshall(attributes) as KeyItem
  return {
    id: keyId(item.hash),
    hash: item.hash,
    name: item.name,
    scope: item.scope,
    created: item.created,
    revoked: item.revoked,
    source: item.source ?? item.name,
    sources: item.sources ?? '*',
    types: item.types ?? '*',
    origins: item.origins ?? '*',
    quota: item.quota,
    expires: item.expires === undefined ? undefined : Date.parse(item.expires),
    secret: item.secret,
  }
}

/** Whether a key works at this time, in milliseconds since 1970. */
export const isLive = ({ revoked, expires = Number.POSITIVE_INFINITY }: StoredKey, now: number): boolean =>
  revoked === undefined && now < expires
