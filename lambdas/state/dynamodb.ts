import {
  type AttributeValue,
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import {
  type ItemKey,
  itemKind,
  type SlotItem,
  slotKey,
  type UserItem,
  userKey,
  type WindowItem,
  windowKey,
  windowPrefix,
} from '../../shared/state.ts'
import { parseInstant } from '../../shared/time.ts'

export type Attributes = Record<string, AttributeValue>
export type Item =
  | ({ readonly kind: 'user' } & UserItem)
  | ({ readonly kind: 'window' } & WindowItem)
  | ({ readonly kind: 'slot' } & SlotItem)
  | { readonly kind: 'other' }

/** What came of a conditional put: another writer may have been first. */
export type PutResult = 'written' | 'conflict'

const keyAttributes = ({ pk, sk }: ItemKey): Attributes => ({ pk: { S: pk }, sk: { S: sk } })
const textOf = (attributes: Attributes, name: string): string => attributes[name]?.S ?? ''
const numberOf = (attributes: Attributes, name: string): number => Number(attributes[name]?.N ?? 0)
const bytesOf = (attributes: Attributes, name: string): Uint8Array => toBytes(attributes[name]?.B)
/** The SDK hands bytes over, a stream's image base64 text. */
const toBytes = (value: unknown): Uint8Array =>
  typeof value === 'string' ? Buffer.from(value, 'base64') : ((value as Uint8Array | undefined) ?? new Uint8Array())
const ttlOf = (attributes: Attributes): { ttl: number } | object =>
  attributes['ttl']?.N ? { ttl: Number(attributes['ttl'].N) } : {}
const ttlAttribute = (ttl: number | undefined): Attributes => (ttl === undefined ? {} : { ttl: { N: String(ttl) } })

/** Any item of the state table, read from the table or from an image of its stream. */
export function readItem(attributes: Attributes): Item {
  const key = { pk: textOf(attributes, 'pk'), sk: textOf(attributes, 'sk') }
  const kind = itemKind(key)
  if (kind === 'user') return { kind, ...readUserItem(key, attributes) }
  if (kind === 'window') return { kind, ...readWindowItem(key, attributes) }
  if (kind === 'slot') return { kind, ...readSlotItem(key, attributes) }
  return { kind }
}

const readUserItem = ({ pk }: ItemKey, attributes: Attributes): UserItem => ({
  user: pk.slice(userKey('').pk.length),
  version: numberOf(attributes, 'version'),
  seq: textOf(attributes, 'seq'),
  identities: bytesOf(attributes, 'identities'),
  recordHashes: bytesOf(attributes, 'recordHashes'),
  states: JSON.parse(textOf(attributes, 'states')),
  late: numberOf(attributes, 'late'),
  erasedOrd: numberOf(attributes, 'erasedOrd'),
  out: JSON.parse(textOf(attributes, 'out')),
  ...ttlOf(attributes),
})

const userAttributes = (item: UserItem): Attributes => ({
  ...keyAttributes(userKey(item.user)),
  version: { N: String(item.version) },
  seq: { S: item.seq },
  identities: { B: item.identities },
  recordHashes: { B: item.recordHashes },
  states: { S: JSON.stringify(item.states) },
  late: { N: String(item.late) },
  erasedOrd: { N: String(item.erasedOrd) },
  out: { S: JSON.stringify(item.out) },
  ...ttlAttribute(item.ttl),
})

/** `window#<projection>#<instant>`, and a slot's partition key likewise. */
function projectionAndStart(text: string): { projection: string; start: number } {
  const [, projection = '', instant = ''] = /^window#([^#]+)#(.+)$/.exec(text) ?? []
  return { projection, start: Number((parseInstant(instant) ?? 0n) / 1_000_000n) }
}

const readWindowItem = ({ pk, sk }: ItemKey, attributes: Attributes): WindowItem => ({
  user: pk.slice(userKey('').pk.length),
  ...projectionAndStart(sk),
  version: numberOf(attributes, 'version'),
  state: JSON.parse(textOf(attributes, 'state')),
  ...ttlOf(attributes),
})

const windowAttributes = (item: WindowItem): Attributes => ({
  ...keyAttributes(windowKey(item.user, item.projection, item.start)),
  version: { N: String(item.version) },
  state: { S: JSON.stringify(item.state) },
  ...ttlAttribute(item.ttl),
})

const readSlotItem = ({ pk, sk }: ItemKey, attributes: Attributes): SlotItem => ({
  ...projectionAndStart(pk),
  slot: Number(sk.slice('slot#'.length)),
  version: numberOf(attributes, 'version'),
  state: JSON.parse(textOf(attributes, 'state')),
  users: unpackUsers(bytesOf(attributes, 'users')),
  ...ttlOf(attributes),
})

const slotAttributes = (item: SlotItem): Attributes => ({
  ...keyAttributes(slotKey(item.projection, item.start, item.slot)),
  version: { N: String(item.version) },
  state: { S: JSON.stringify(item.state) },
  users: { B: packUsers(item.users) },
  ...ttlAttribute(item.ttl),
})

/** 16 bytes a user: its hash and its last `ord`. */
const USER_BYTES = 16

function packUsers(users: ReadonlyMap<string, number>): Uint8Array {
  const bytes = Buffer.alloc(users.size * USER_BYTES)
  let at = 0
  for (const [hash, ord] of users) {
    bytes.write(hash, at, 'hex')
    bytes.writeBigUInt64BE(BigInt(ord), at + 8)
    at += USER_BYTES
  }
  return bytes
}

function unpackUsers(packed: Uint8Array): Map<string, number> {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)
  const users = new Map<string, number>()
  for (let at = 0; at < bytes.length; at += USER_BYTES)
    users.set(bytes.toString('hex', at, at + 8), Number(bytes.readBigUInt64BE(at + 8)))
  return users
}

const KEYS_A_GET = 100
/** Sequence numbers have up to 56 digits; padded, they compare as text. */
const SEQ_DIGITS = 60
const READ_ATTEMPTS = 3

export type StateTable = ReturnType<typeof stateTable>

/** The state table: consistent reads, and puts on the condition that the item is still as it was read. It never reorders calls. */
export function stateTable(table: string, client = new DynamoDBClient({})) {
  const get = async (key: ItemKey): Promise<Attributes | undefined> =>
    (await client.send(new GetItemCommand({ TableName: table, Key: keyAttributes(key), ConsistentRead: true }))).Item

  const put = async (item: Attributes, readVersion: number | undefined): Promise<PutResult> => {
    const condition =
      readVersion === undefined
        ? { ConditionExpression: 'attribute_not_exists(pk)' }
        : { ConditionExpression: 'version = :read', ExpressionAttributeValues: { ':read': { N: String(readVersion) } } }
    try {
      await client.send(new PutItemCommand({ TableName: table, Item: item, ...condition }))
      return 'written'
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return 'conflict'
      throw error
    }
  }

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
    return { items, unread: new Set(wanted.map(key => textOf(key, 'pk'))) }
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
      for (let at = 0; at < users.length; at += KEYS_A_GET) {
        const some = users.slice(at, at + KEYS_A_GET)
        const { items, unread } = await getSome(some.map(user => keyAttributes(userKey(user))))
        const found = new Map(items.map(item => [textOf(item, 'pk'), readItem(item) as UserItem]))
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
    async countAttempt(shard: string, seq: string, now: number): Promise<number> {
      const { Attributes } = await client.send(
        new UpdateItemCommand({
          TableName: table,
          Key: keyAttributes({ pk: `attempts#${shard}`, sk: seq }),
          UpdateExpression: 'ADD attempts :one SET #ttl = :ttl',
          ExpressionAttributeNames: { '#ttl': 'ttl' },
          ExpressionAttributeValues: { ':one': { N: '1' }, ':ttl': { N: String(Math.floor(now / 1000) + 7 * 86_400) } },
          ReturnValues: 'UPDATED_NEW',
        }),
      )
      return Number(Attributes?.['attempts']?.N)
    },

    /** Notes that every record of the shard up to this one has been passed; an older note never replaces a newer one. */
    async notePassed(shard: string, seq: string): Promise<void> {
      const passed = { ...keyAttributes({ pk: `shard#${shard}`, sk: 'progress' }), seq: { S: seq.padStart(SEQ_DIGITS, '0') } }
      try {
        await client.send(
          new PutItemCommand({
            TableName: table,
            Item: passed,
            ConditionExpression: 'attribute_not_exists(pk) OR seq < :seq',
            ExpressionAttributeValues: { ':seq': passed.seq },
          }),
        )
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error
      }
    },
  }
}
