export const scopes = ['read', 'write', 'admin'] as const
export type Scope = (typeof scopes)[number]

/** Keys live as long as the tab. */
const place = (scope: Scope): string => `millrace.key.${scope}`

/** The key of a scope, else the admin key, which may do everything; undefined where there is none. */
export const keyOf = (scope: Scope): string | undefined =>
  sessionStorage.getItem(place(scope)) ?? sessionStorage.getItem(place('admin')) ?? undefined

export const storedKey = (scope: Scope): string => sessionStorage.getItem(place(scope)) ?? ''

export function storeKey(scope: Scope, key: string): void {
  if (key === '') sessionStorage.removeItem(place(scope))
  else sessionStorage.setItem(place(scope), key)
}

/** Takes keys out of the address (`#read=…&write=…`), so that they stand neither there nor in the history. */
export function takeKeysFromAddress(): void {
  const given = new URLSearchParams(location.hash.slice(1))
  if (!scopes.some(scope => given.has(scope))) return
  for (const scope of scopes) storeKey(scope, given.get(scope) ?? storedKey(scope))
  history.replaceState(null, '', location.pathname)
}
