import type { Scope } from '../shared/keys.ts'

export const scopes: readonly Scope[] = ['read', 'write', 'admin']

/** The session storage keeps the keys until the tab is closed. */
const storageKey = (scope: Scope): string => `millrace.key.${scope}`

/** The key with a scope, or the admin key, which may use every route. Undefined without either. */
export const keyOf = (scope: Scope): string | undefined =>
  sessionStorage.getItem(storageKey(scope)) ?? sessionStorage.getItem(storageKey('admin')) ?? undefined

export const storedKey = (scope: Scope): string => sessionStorage.getItem(storageKey(scope)) ?? ''

/** Stores a key; an empty text deletes it. */
export function storeKey(scope: Scope, key: string): void {
  if (key === '') sessionStorage.removeItem(storageKey(scope))
  else sessionStorage.setItem(storageKey(scope), key)
}
