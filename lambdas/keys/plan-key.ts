import { type Allowed, type KeyLimits, keyHash, keyId, type Scope } from '../../shared/keys.ts'
import { MAX_NAME_CHARACTERS } from '../../shared/limits.ts'
import { UsageError, UserError } from '../../shared/user-error.ts'
import type { StoredKey } from './dynamodb-items.ts'

/** A key's name is the default source of its events. It is stricter than a source. */
const NAME = /^[\w.:@-]+$/

export interface NewKey extends KeyLimits {
  readonly name: string
  readonly scope: Scope
  /** The key itself, and the secret that signs users, if it has one. */
  readonly text: string
  readonly secret?: string | undefined
  readonly created: number
}

/** A new key as the table stores it. Throws a UserError if it would not be what its creator means. */
export function planKey({ name, scope, text, secret, created, ...limits }: NewKey, existing: readonly StoredKey[]): StoredKey {
  if (!NAME.test(name) || name.length > MAX_NAME_CHARACTERS)
    throw new UsageError(`The name of a key has 1 to ${MAX_NAME_CHARACTERS} letters, digits or . : @ _ - and nothing else.`)
  const other = existing.find(key => key.name === name && (key.scope === 'client') !== (scope === 'client'))
  if (other)
    throw new UserError(
      `${other.id} with scope ${other.scope} is named ${name}, too. Choose another name: a client key shares none.`,
    )
  if (secret !== undefined && scope !== 'client') throw new UsageError('Only a client key has a secret; leave out --secret.')
  const hash = keyHash(text)
  const blank = {
    id: keyId(hash),
    ...{ hash, name, scope, created: new Date(created).toISOString(), revoked: undefined },
    ...{ source: name, sources: scope === 'admin' ? ('*' as const) : [], types: '*' as const, origins: '*' as const },
    ...{ quota: undefined, expires: undefined, secret },
  }
  return limitKey(blank, limits)
}

/** The key with other limits. Those that are not given stay. */
export function limitKey(key: StoredKey, { sources, types, origins, quota, expires }: KeyLimits): StoredKey {
  const { scope } = key
  if (scope === 'read' && [sources, types, origins, quota].some(limit => limit !== undefined))
    throw new UsageError('A read key sends no events; leave out --types, --source, --origins and --quota.')
  if (scope === 'admin' && sources !== undefined) throw new UsageError('An admin key may claim every source; leave out --source.')
  return {
    ...key,
    ...(sources !== undefined && (scope === 'client' ? { source: onlySource(sources) } : { sources })),
    ...(types !== undefined && { types }),
    ...(origins !== undefined && { origins }),
    ...(quota !== undefined && { quota }),
    ...(expires !== undefined && { expires }),
  }
}

function onlySource(sources: Allowed): string {
  const [source] = sources
  if (sources === '*' || source === undefined || sources.length > 1)
    throw new UsageError("A client key has exactly one source, that of all its events. Give one, and not '*'.")
  return source
}
