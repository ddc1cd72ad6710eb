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

/** Stores the keys in the URL's hash (`#read=…&write=…`) and removes them from the address bar and the history. */
export function takeKeysFromAddress(): void {
  const given = new URLSearchParams(location.hash.slice(1))
  if (!scopes.some(scope => given.has(scope))) return
  for (const scope of scopes) storeKey(scope, given.get(scope) ?? storedKey(scope))
  history.replaceState(null, '', location.pathname)
}
