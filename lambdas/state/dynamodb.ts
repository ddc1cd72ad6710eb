import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { type ItemKey, type PartItem, type UserItem, userKey } from '../../shared/state.ts'
import { batchGet, type Consistency, getItem, type KeyRange, putItem, queryItems, type TableTarget } from './dynamodb-access.ts'
import { attemptsTable } from './dynamodb-attempts.ts'
import { firstFoldedTable } from './dynamodb-first-folded.ts'
import { partAttributes, readPartItem, readUserItem, userAttributes } from './dynamodb-items.ts'
import { latenessTable } from './dynamodb-lateness.ts'
import { linesTable } from './dynamodb-lines.ts'
import { type DynamoDbOperations, dynamoDbOperations } from './dynamodb-operations.ts'
import { passedOverTable } from './dynamodb-passed-over.ts'
import { retiredTable } from './dynamodb-retired.ts'
import { userPagesTable } from './dynamodb-user-pages.ts'

export type StateTable = ReturnType<typeof stateTable>

/**
 * The state table. Reads are consistent unless the caller asks for less. A put takes the version that was read, undefined if there was
 * no item, and writes only if the item still has that version. Calls are never reordered.
 */
export function stateTable(table: string, dynamodb: DynamoDbOperations = dynamoDbOperations(new DynamoDBClient({}))) {
  const target: TableTarget = { table, dynamodb }
  return {
    ...attemptsTable(target),
    ...firstFoldedTable(target),
    ...latenessTable(target),
    ...linesTable(target),
    ...passedOverTable(target),
    ...retiredTable(target),
    ...userPagesTable(target),

    /**
     * The items of these users; undefined for a user without an item. Users that could not be read are not in the map.
     * `eventual`: only for who puts the item that it read, because an old item does not meet the condition of that put.
     */
    readUsers: (users: readonly string[], consistency?: Consistency) => readUsers(target, users, consistency),

    readUser: (user: string) => getItem(target, userKey(user), readUserItem),

    putUser: (item: UserItem, readVersion: number | undefined) => putItem(target, userAttributes(item), readVersion),

    /** An item of any grain that has items apart from the user's. */
    readPart: (key: ItemKey) => getItem(target, key, readPartItem),

    putPart: (item: PartItem, readVersion: number | undefined) => putItem(target, partAttributes(item), readVersion),

    /** The parts whose keys begin with `prefix`, or those in a range of them, greatest first. Reads further pages until it has `limit` items or all. */
    partsBelow: (prefix: ItemKey, limit?: number, range: KeyRange = {}) => queryItems(target, prefix, readPartItem, limit, range),
  }
}

async function readUsers(
  target: TableTarget,
  users: readonly string[],
  consistency?: Consistency,
): Promise<Map<string, UserItem | undefined>> {
  const { items, unread } = await batchGet(target, users.map(userKey), consistency)
  const unreadUsers = new Set(unread.map(({ pk }) => pk))
  const found = new Map(items.map(readUserItem).map(item => [item.user, item]))
  const read = users.filter(user => !unreadUsers.has(userKey(user).pk))
  return new Map(read.map(user => [user, found.get(user)]))
}
