import type { StateTable } from '../../lambdas/state/dynamodb.ts'
import type { Environment } from './environment.ts'
import { keyOf } from './table.ts'

/**
 * The state table whose reads are checked: a conditional put would hide a read that is too old until the next attempt. A read
 * returns what the table contains at some time between its begin and its end, and never reports an existing item as absent.
 */
export function checkedReads(table: StateTable, environment: Environment): StateTable {
  const checked = async <T>(
    what: string,
    keys: readonly string[],
    read: () => Promise<T>,
    found: (result: T, at: number) => Found,
  ) => {
    const before = keys.map(key => environment.table.items.get(key))
    const result = await read()
    for (const [at, key] of keys.entries()) {
      const got = found(result, at)
      const wasThere = before[at] !== undefined && environment.table.items.has(key)
      if (got === 'unread' || !wasThere) continue
      if (got === undefined) environment.violations.push(`${what} reports ${key} as absent, although it exists`)
      else if (got.version < Number(before[at]?.['version']?.N))
        environment.violations.push(`${what} returns an old version of ${key}`)
    }
    return result
  }
  const userItem = (user: string): string => keyOf({ pk: { S: `user#${user}` }, sk: { S: 'state' } })
  return {
    ...table,
    readUsers: users =>
      checked(
        'readUsers',
        users.map(userItem),
        () => table.readUsers(users),
        (read, at) => (read.has(users[at] ?? '') ? read.get(users[at] ?? '') : 'unread'),
      ),
    readUser: user =>
      checked(
        'readUser',
        [userItem(user)],
        () => table.readUser(user),
        item => item,
      ),
    readPart: key =>
      checked(
        'readPart',
        [keyOf({ pk: { S: key.pk }, sk: { S: key.sk } })],
        () => table.readPart(key),
        item => item,
      ),
  }
}

type Found = { readonly version: number } | 'unread' | undefined
