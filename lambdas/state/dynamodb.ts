import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import pLimit from 'p-limit'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import { SafeError } from '../../shared/safe-error.ts'
import {
  type EventPosition,
  type FoldAttempts,
  type ItemKey,
  type PartItem,
  passedOverKey,
  type UserItem,
  type UserPage,
  type UserPages,
  userKey,
  userPageKey,
} from '../../shared/state.ts'
import { type Attributes, conditionHeld } from '../dynamodb.ts'
import { firstFoldedTable } from './dynamodb-first-folded.ts'
import {
  keyAttributes,
  partAttributes,
  readPartItem,
  readUserItem,
  readUsersOfPage,
  userAttributes,
  userPageAttributes,
} from './dynamodb-items.ts'
import { latenessTable } from './dynamodb-lateness.ts'
import { linesTable } from './dynamodb-lines.ts'
import { type DynamoDbOperations, dynamoDbOperations } from './dynamodb-operations.ts'
import { retiredTable } from './dynamodb-retired.ts'

/** Result of a conditional put. `conflict`: another writer was faster and nothing was written. */
export type PutResult = 'written' | 'conflict'

const KEYS_PER_BATCH_GET = 100
const CALLS_AT_ONCE = 16
const READ_ATTEMPTS = 3
/** Sequence numbers have up to 56 digits. Padded, they compare as text. */
const SEQUENCE_NUMBER_DIGITS = 60
/** Longer than a stream keeps a record. */
const ATTEMPTS_TTL_SECONDS = 8 * 86_400

/** An event that a write passes over, as it is quarantined. */
export interface PassedOverEvent {
  readonly at: EventPosition
  readonly event: QuarantinedEvent
}

/** Bounds of the rest of a sort key after its prefix, both included. Without `to`, there is none. */
export interface KeyRange {
  readonly from?: string
  readonly to?: string
}

/** The table's name and how to reach it. */
interface Target {
  readonly table: string
  readonly dynamodb: DynamoDbOperations
}

export type StateTable = ReturnType<typeof stateTable>

/**
 * The state table. Reads are consistent. A put takes the version that was read, undefined if there was no item, and writes
 * only if the item still has that version. Calls are never reordered.
 */
export function stateTable(table: string, dynamodb: DynamoDbOperations = dynamoDbOperations(new DynamoDBClient({}))) {
  const target: Target = { table, dynamodb }
  return {
    ...retiredTable(table, dynamodb),
    ...linesTable(table, dynamodb),
    ...latenessTable(table, dynamodb),
    ...firstFoldedTable(table, dynamodb),

    /** The items of these users; undefined for a user without an item. Users that could not be read are not in the map. */
    readUsers: (users: readonly string[]) => readUsers(target, users),

    readUser: (user: string) => get(target, userKey(user), readUserItem),

    putUser: (item: UserItem, readVersion: number | undefined) => put(target, userAttributes(item), readVersion),

    /** Stores events that a write will pass over, with the time in epoch seconds after which DynamoDB may delete them. */
    storePassedOver: (user: string, events: readonly PassedOverEvent[], ttl: number) =>
      storePassedOver(target, user, events, ttl),

    /** The events at these positions that are not marked as quarantined. Throws if an item could not be read. */
    readPassedOver: (user: string, positions: readonly EventPosition[]) => readPassedOver(target, user, positions),

    /** Those of these positions whose events are marked as quarantined. Throws if an item could not be read. */
    readQuarantined: (user: string, positions: readonly EventPosition[]) => readQuarantined(target, user, positions),

    /**
     * Marks events as quarantined, so that no later attempt quarantines them once more, with the time in epoch seconds after which
     * DynamoDB may delete the mark of an event that was not stored.
     */
    markQuarantined: (user: string, positions: readonly EventPosition[], ttl: number) =>
      markQuarantined(target, user, positions, ttl),

    /** An item of any grain that has items apart from the user's. */
    readPart: (key: ItemKey) => get(target, key, readPartItem),

    putPart: (item: PartItem, readVersion: number | undefined) => put(target, partAttributes(item), readVersion),

    /** The pages of a slot. A page that does not exist any more is left out. */
    readUserPages: (slot: ItemKey, pages: UserPages) => readUserPages(target, slot, pages),

    /** Writes pages of a slot. Pages of the same version that exist are the same, and are left as they are. */
    putUserPages: async (pages: readonly UserPage[]): Promise<void> => {
      await pLimit(CALLS_AT_ONCE).map(pages, page => put(target, userPageAttributes(page), undefined))
    },

    /** Deletes pages that no item has any more. */
    deleteUserPages: async (slot: ItemKey, { version, count }: UserPages): Promise<void> => {
      const keys = indices(count).map(index => userPageKey({ slot, version, index }))
      await pLimit(CALLS_AT_ONCE).map(keys, key => dynamodb.deleteItem({ TableName: table, Key: keyAttributes(key) }))
    },

    /** The parts whose keys begin with `prefix`, or those in a range of them, greatest first. Reads further pages until it has `limit` items or all. */
    partsBelow: (prefix: ItemKey, limit?: number, range: KeyRange = {}) => query(target, prefix, readPartItem, limit, range),

    /** Earlier attempts to fold a user's records that begin with this one. */
    readAttempts: (user: string, sequenceNumber: string) => readAttempts(target, user, sequenceNumber),

    writeAttempts: (user: string, sequenceNumber: string, attempts: FoldAttempts) =>
      writeAttempts(target, user, sequenceNumber, attempts),

    /** Records that the shard was processed up to this sequence number. A smaller number never replaces a greater one. */
    recordProgress: (shard: string, sequenceNumber: string) => recordProgress(target, shard, sequenceNumber),
  }
}

async function get<Item>(
  { table, dynamodb }: Target,
  key: ItemKey,
  read: (attributes: Attributes) => Item,
): Promise<Item | undefined> {
  const { Item } = await dynamodb.getItem({ TableName: table, Key: keyAttributes(key), ConsistentRead: true })
  return Item && read(Item)
}

const put = (target: Target, item: Attributes, readVersion: number | undefined): Promise<PutResult> =>
  readVersion === undefined
    ? putIf(target, item, 'attribute_not_exists(pk)')
    : putIf(target, item, 'version = :read', { ':read': { N: String(readVersion) } })

async function putIf({ table, dynamodb }: Target, item: Attributes, condition: string, values?: Attributes): Promise<PutResult> {
  const check = { ConditionExpression: condition, ExpressionAttributeValues: values }
  const written = await conditionHeld(dynamodb.putItem({ TableName: table, Item: item, ...check }))
  return written ? 'written' : 'conflict'
}

const indices = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

async function readUserPages(target: Target, slot: ItemKey, { version, count }: UserPages): Promise<UserPage[]> {
  const pages = await pLimit(CALLS_AT_ONCE).map(indices(count), async index => {
    const users = await get(target, userPageKey({ slot, version, index }), readUsersOfPage)
    return users && { slot, version, index, users }
  })
  return pages.filter(page => page !== undefined)
}

async function readUsers(target: Target, users: readonly string[]): Promise<Map<string, UserItem | undefined>> {
  const read = new Map<string, UserItem | undefined>()
  for (let at = 0; at < users.length; at += KEYS_PER_BATCH_GET) {
    const some = users.slice(at, at + KEYS_PER_BATCH_GET)
    const { items, unread } = await batchGet(
      target,
      some.map(user => keyAttributes(userKey(user))),
    )
    const found = new Map(items.map(readUserItem).map(item => [item.user, item]))
    for (const user of some) if (!unread.has(userKey(user).pk)) read.set(user, found.get(user))
  }
  return read
}

/** The items that exist, and the partition keys that were still unprocessed after the last attempt. */
async function batchGet(
  { table, dynamodb }: Target,
  keys: Attributes[],
): Promise<{ items: Attributes[]; unread: ReadonlySet<string> }> {
  const items: Attributes[] = []
  let pending = keys
  for (let attempt = 0; attempt < READ_ATTEMPTS && pending.length > 0; attempt++) {
    const RequestItems = { [table]: { Keys: pending, ConsistentRead: true } }
    const { Responses, UnprocessedKeys } = await dynamodb.batchGetItem({ RequestItems })
    items.push(...(Responses?.[table] ?? []))
    pending = UnprocessedKeys?.[table]?.Keys ?? []
  }
  return { items, unread: new Set(pending.map(key => key['pk']?.S ?? '')) }
}

/** Items of one partition whose sort keys begin with `sk`, greatest first. Stops after the page that reaches the limit. */
async function query<Item>(
  { table, dynamodb }: Target,
  { pk, sk }: ItemKey,
  read: (attributes: Attributes) => Item,
  limit: number | undefined,
  { from = '', to }: KeyRange,
): Promise<Item[]> {
  const items: Item[] = []
  // DynamoDB rejects such a range.
  if (to !== undefined && from > to) return items
  const pages = dynamodb.query({
    TableName: table,
    ...(to === undefined
      ? {
          KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
          ExpressionAttributeValues: { ':pk': { S: pk }, ':prefix': { S: sk } },
        }
      : {
          KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
          ExpressionAttributeValues: { ':pk': { S: pk }, ':from': { S: `${sk}${from}` }, ':to': { S: `${sk}${to}` } },
        }),
    ConsistentRead: true,
    ScanIndexForward: false,
    Limit: limit,
  })
  for await (const { Items = [] } of pages) {
    items.push(...Items.map(read))
    if (limit !== undefined && items.length >= limit) break
  }
  return items
}

/** Another attempt may have stored an event before, or quarantined it already: then nothing is written. */
async function storePassedOver(
  { table, dynamodb }: Target,
  user: string,
  events: readonly PassedOverEvent[],
  ttl: number,
): Promise<void> {
  await pLimit(CALLS_AT_ONCE).map(events, ({ at, event }) =>
    conditionHeld(
      dynamodb.putItem({
        TableName: table,
        Item: { ...keyAttributes(passedOverKey(user, at)), event: { S: JSON.stringify(event) }, ttl: { N: String(ttl) } },
        ConditionExpression: 'attribute_not_exists(pk)',
      }),
    ),
  )
}

/** The items with events that a write passed over, by sort key. */
async function passedOverItems(
  target: Target,
  user: string,
  positions: readonly EventPosition[],
): Promise<Map<string, Attributes>> {
  const found = new Map<string, Attributes>()
  const keys = positions.map(at => keyAttributes(passedOverKey(user, at)))
  for (let at = 0; at < keys.length; at += KEYS_PER_BATCH_GET) {
    const { items, unread } = await batchGet(target, keys.slice(at, at + KEYS_PER_BATCH_GET))
    if (unread.size > 0) throw new SafeError('Events that a write passed over could not be read.')
    for (const item of items) found.set(item['sk']?.S ?? '', item)
  }
  return found
}

async function readPassedOver(target: Target, user: string, positions: readonly EventPosition[]): Promise<PassedOverEvent[]> {
  const found = await passedOverItems(target, user, positions)
  return positions.flatMap(at => {
    const event = found.get(passedOverKey(user, at).sk)?.['event']?.S
    return event === undefined ? [] : [{ at, event: JSON.parse(event) as QuarantinedEvent }]
  })
}

async function readQuarantined(target: Target, user: string, positions: readonly EventPosition[]): Promise<EventPosition[]> {
  const found = await passedOverItems(target, user, positions)
  return positions.filter(at => found.get(passedOverKey(user, at).sk)?.['quarantined']?.BOOL === true)
}

async function markQuarantined(
  { table, dynamodb }: Target,
  user: string,
  positions: readonly EventPosition[],
  ttl: number,
): Promise<void> {
  await pLimit(CALLS_AT_ONCE).map(positions, at =>
    dynamodb.updateItem({
      TableName: table,
      Key: keyAttributes(passedOverKey(user, at)),
      UpdateExpression: 'SET quarantined = :yes, #ttl = if_not_exists(#ttl, :ttl) REMOVE event',
      ExpressionAttributeNames: { '#ttl': 'ttl' },
      ExpressionAttributeValues: { ':yes': { BOOL: true }, ':ttl': { N: String(ttl) } },
    }),
  )
}

const attemptsKey = (user: string, sequenceNumber: string): ItemKey => ({ pk: `attempts#${user}`, sk: sequenceNumber })

async function readAttempts(target: Target, user: string, sequenceNumber: string): Promise<FoldAttempts | undefined> {
  const text = await get(target, attemptsKey(user, sequenceNumber), ({ attempts }) => attempts?.S)
  return text === undefined ? undefined : (JSON.parse(text) as FoldAttempts)
}

async function writeAttempts(
  { table, dynamodb }: Target,
  user: string,
  sequenceNumber: string,
  attempts: FoldAttempts,
): Promise<void> {
  const ttl = Math.floor(attempts.since / 1000) + ATTEMPTS_TTL_SECONDS
  const item = { attempts: { S: JSON.stringify(attempts) }, ttl: { N: String(ttl) } }
  await dynamodb.putItem({ TableName: table, Item: { ...keyAttributes(attemptsKey(user, sequenceNumber)), ...item } })
}

async function recordProgress(target: Target, shard: string, sequenceNumber: string): Promise<void> {
  const seq = { S: sequenceNumber.padStart(SEQUENCE_NUMBER_DIGITS, '0') }
  const item = { ...keyAttributes({ pk: `shard#${shard}`, sk: 'progress' }), seq }
  await putIf(target, item, 'attribute_not_exists(pk) OR seq < :seq', { ':seq': seq })
}
