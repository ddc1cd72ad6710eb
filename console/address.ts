import { CONSOLE_KEYS_PATH } from '../shared/console-link.ts'
import { ApiError } from './api.ts'
import { scopes, storedKey, storeKey } from './keys.ts'

/**
 * Stores the keys that the URL's hash has (`#read=…&write=…`), or that its code is exchanged for (`#code=…`), and removes them from the
 * address bar and the history. Returns false if there are none. Throws an ApiError if the code is not valid.
 */
export async function takeKeysFromAddress(): Promise<boolean> {
  const given = new URLSearchParams(location.hash.slice(1))
  const code = given.get('code')
  if (code === null && !scopes.some(scope => given.has(scope))) return false
  history.replaceState(null, '', location.pathname)
  const keys = code === null ? Object.fromEntries(given) : await exchange(code)
  for (const scope of scopes) storeKey(scope, keys[scope] ?? storedKey(scope))
  return true
}

/** The keys that the local API gives for the code of the link that `up` prints. A deployed stage has no such codes. */
async function exchange(code: string): Promise<Partial<Record<string, string>>> {
  const response = await fetch(CONSOLE_KEYS_PATH, { method: 'POST', body: code })
  if (response.ok) return response.json()
  throw new ApiError(
    response.status,
    'code_unknown',
    'The link was opened already, or is too old. Get a new one with `npx millrace up`, or press K to enter a key.',
  )
}
