import {
  BatchGetItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import {
  type ItemKey,
  type SlotItem,
  slotKey,
  type UserItem,
  userKey,
  type WindowItem,
  windowKey,
  windowPrefix,
} from '../../shared/state.ts'
import { type Attributes, conditionHeld } from '../dynamodb.ts'
import { type Item, keyAttributes, readItem, slotAttributes, userAttributes, windowAttributes } from './dynamodb-items.ts'

/** What came of a conditional put: another writer may have been first. */
export type PutResult = 'written' | 'conflict'

const KEYS_PER_BATCH_GET = 100
/** Sequence numbers have up to 56 digits; padded, they compare as text. */
const SEQUENCE_NUMBER_DIGITS = 60
const READ_ATTEMPTS = 3

export type StateTable = ReturnType<typeof stateTable>

/** The state table: consistent reads, and puts on the condition that the item is still as it was read. It never reorders calls. */
export function stateTable(table: string, client = new DynamoDBClient({})) {
  const get = async (key: ItemKey): Promise<Attributes | undefined> =>
    (await client.send(new GetItemCommand({ TableName: table, Key: keyAttributes(key), ConsistentRead: true }))).Item

  const putIf = async (item: Attributes, condition: string, values?: Attributes): Promise<PutResult> => {
    const check = { ConditionExpression: condition, ExpressionAttributeValues: values }
    const written = await conditionHeld(client.send(new PutItemCommand({ TableName: table, Item: item, ...check })))
    return written ? 'written' : 'conflict'
  }

  /** Puts an item if it is still at the version that was read; undefined: if it is still not there. */
  const put = (item: Attributes, readVersion: number | undefined): Promise<PutResult> =>
    readVersion === undefined
      ? putIf(item, 'attribute_not_exists(pk)')
      : putIf(item, 'version = :read', { ':read': { N: String(readVersion) } })

  /** The items that exist, and the partition keys of those that stayed unread. */
  const getSome = async (keys: Attributes[]): Promise<{ items: Attributes[]; unread: Set<string> }> => {
    const items: Attributes[] = []
    let wanted = keys
    for (let attempt = 0; attempt < READ_ATTEMPTS && wanted.length > 0; attempt++) {
      const request = { RequestItems: { [table]: { Keys: wanted, ConsistentRead: true } } }
      const { Responses, UnprocessedKeys } = await client.send(new BatchGetItemCommand(request))
      items.push(...(Responses?.[table] ?? []))
      wanted = UnprocessedKeys?.[table]?.Keys ?? []
    }
    return { items, unread: new Set(wanted.map(key => key['pk']?.S ?? '')) }
  }

  /** Items of one partition, greatest sort key first: the first `limit`, or all. */
  const query = async (pk: string, prefix: string, limit?: number): Promise<Item[]> => {
    const items: Item[] = []
    let from: Attributes | undefined
    do {
      const page = await client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
          ExpressionAttributeValues: { ':pk': { S: pk }, ':prefix': { S: prefix } },
          ConsistentRead: true,
          ScanIndexForward: false,
          ExclusiveStartKey: from,
          Limit: limit,
        }),
      )
      items.push(...(page.Items ?? []).map(readItem))
      from = page.LastEvaluatedKey
    } while (from && (limit === undefined || items.length < limit))
    return items
  }

  return {
    /** The items of these users, undefined where there is none; a user that could not be read is not in the map. */
    async readUsers(users: readonly string[]): Promise<Map<string, UserItem | undefined>> {
      const read = new Map<string, UserItem | undefined>()
      for (let at = 0; at < users.length; at += KEYS_PER_BATCH_GET) {
        const some = users.slice(at, at + KEYS_PER_BATCH_GET)
        const { items, unread } = await getSome(some.map(user => keyAttributes(userKey(user))))
        const found = new Map(items.map(item => [item['pk']?.S, readItem(item) as UserItem]))
        for (const user of some) {
          const { pk } = userKey(user)
          if (!unread.has(pk)) read.set(user, found.get(pk))
        }
      }
      return read
    },

    async readUser(user: string): Promise<UserItem | undefined> {
      const item = await get(userKey(user))
      return item && (readItem(item) as UserItem)
    },

    putUser: (item: UserItem, readVersion: number | undefined) => put(userAttributes(item), readVersion),

    async readWindow(user: string, projection: string, start: number): Promise<WindowItem | undefined> {
      const item = await get(windowKey(user, projection, start))
      return item && (readItem(item) as WindowItem)
    },

    putWindow: (item: WindowItem, readVersion: number | undefined) => put(windowAttributes(item), readVersion),

    /** The newest windows of one projection and user, newest first. */
    windowsOf: (user: string, projection: string, limit: number) =>
      query(userKey(user).pk, windowPrefix(projection), limit) as Promise<WindowItem[]>,

    async readSlot(projection: string, start: number, slot: number): Promise<SlotItem | undefined> {
      const item = await get(slotKey(projection, start, slot))
      return item && (readItem(item) as SlotItem)
    },

    putSlot: (item: SlotItem, readVersion: number | undefined) => put(slotAttributes(item), readVersion),

    /** All slots of a window. */
    slotsOf: (projection: string, start: number) => query(slotKey(projection, start, 0).pk, 'slot#') as Promise<SlotItem[]>,

    /** Counts one more attempt at a record and returns how many there were; the count goes after a week. */
    async countAttempt(shard: string, sequenceNumber: string, now: number): Promise<number> {
      const { Attributes } = await client.send(
        new UpdateItemCommand({
          TableName: table,
          Key: keyAttributes({ pk: `attempts#${shard}`, sk: sequenceNumber }),
          UpdateExpression: 'ADD attempts :one SET #ttl = :ttl',
          ExpressionAttributeNames: { '#ttl': 'ttl' },
          ExpressionAttributeValues: { ':one': { N: '1' }, ':ttl': { N: String(Math.floor(now / 1000) + 7 * 86_400) } },
          ReturnValues: 'UPDATED_NEW',
        }),
      )
      return Number(Attributes?.['attempts']?.N)
    },

    /** Notes that every record of the shard up to this one has been passed; an older note never replaces a newer one. */
    async notePassed(shard: string, sequenceNumber: string): Promise<void> {
      const passed = {
        ...keyAttributes({ pk: `shard#${shard}`, sk: 'progress' }),
        seq: { S: sequenceNumber.padStart(SEQUENCE_NUMBER_DIGITS, '0') },
      }
      await putIf(passed, 'attribute_not_exists(pk) OR seq < :seq', { ':seq': passed.seq })
    },
  }
}
