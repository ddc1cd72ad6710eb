import { parseExact } from '../../shared/exact-json.ts'
import type { PartAddress } from '../../shared/grain.ts'
import { grains, partsOfKind } from '../../shared/grains/grains.ts'
import { identitiesOfFormat1, packIdentities } from '../../shared/memory/identities.ts'
import { SafeError } from '../../shared/safe-error.ts'
import {
  type ItemKey,
  isUserItemKey,
  outboxText,
  type PartItem,
  parseOutbox,
  parsePositions,
  positionsText,
  SLOT_USER_BYTES,
  USER_HASH_BYTES,
  type UserItem,
  type UserPage,
  userKey,
  userOfKey,
  userPageKey,
} from '../../shared/state.ts'
import { deepFreeze } from '../../shared/stored-json.ts'
import type { Attributes } from '../dynamodb.ts'

/** An item of the state table. `other`: counts of attempts and progress of shards. */
export type Item = ({ readonly kind: 'user' } & UserItem) | PartItem | { readonly kind: 'other' }

export const isUserItem = (item: Item): item is { readonly kind: 'user' } & UserItem => item.kind === 'user'
export const isPartItem = (item: Item): item is PartItem => 'projection' in item

/** An item as the SDK returns it, or an image of it in the table's stream, where binary values are base64 text. */
export type ItemImage = Readonly<
  Record<
    string,
    { readonly S?: string | undefined; readonly N?: string | undefined; readonly B?: Uint8Array | string | undefined }
  >
>

/** A record of the table's stream, as far as it is read here: `DynamoDBRecord` of aws-lambda fits. */
export interface TableChange {
  readonly dynamodb?:
    | {
        /** When the item was changed, epoch seconds. */
        readonly ApproximateCreationDateTime?: number | undefined
        readonly OldImage?: ItemImage | undefined
        readonly NewImage?: ItemImage | undefined
      }
    | undefined
  readonly userIdentity?: { readonly principalId?: string } | undefined
}

export const keyAttributes = ({ pk, sk }: ItemKey): Attributes => ({ pk: { S: pk }, sk: { S: sk } })
export const itemKeyOf = (item: ItemImage): ItemKey => ({ pk: textOf(item, 'pk'), sk: textOf(item, 'sk') })
const textOf = (item: ItemImage, name: string): string => item[name]?.S ?? ''
const numberOf = (item: ItemImage, name: string): number => Number(item[name]?.N ?? 0)
function bytesOf(item: ItemImage, name: string): Uint8Array {
  const bytes = item[name]?.B ?? new Uint8Array()
  return typeof bytes === 'string' ? Buffer.from(bytes, 'base64') : bytes
}
const ttlOf = (item: ItemImage): { ttl?: number } => (item['ttl']?.N ? { ttl: Number(item['ttl'].N) } : {})
export const ttlAttribute = (ttl: number | undefined): Attributes => (ttl === undefined ? {} : { ttl: { N: String(ttl) } })

/** Reads an item of any kind. */
export function readItem(item: ItemImage): Item {
  const key = itemKeyOf(item)
  if (isUserItemKey(key)) return { kind: 'user', ...readUserItem(item) }
  return addressOf(key) ? readPartItem(item) : { kind: 'other' }
}

/** What the key of a part contains; undefined if no grain has such a key. */
function addressOf(key: ItemKey): PartAddress | undefined {
  for (const { parts } of grains) {
    const address = parts?.readKey(key)
    if (address) return address
  }
  return undefined
}

/**
 * The format of user items. Without the attribute, an item has format 1, whose identities stand all in the item; older code that meets
 * format 2 finds no `states` and fails, so that nothing is folded twice after a roll-back.
 */
const USER_FORMAT = 2

export function readUserItem(item: ItemImage): UserItem {
  const format = numberOf(item, 'format')
  if (format > USER_FORMAT)
    throw new SafeError(`A user item has format ${format}, which is newer than this code. Deploy the newer version again.`)
  return {
    user: userOfKey(itemKeyOf(item)) ?? '',
    version: numberOf(item, 'version'),
    sequenceNumber: textOf(item, 'seq'),
    ...(format === USER_FORMAT
      ? { identities: bytesOf(item, 'ids'), pages: bytesOf(item, 'pages') }
      : { identities: packIdentities(identitiesOfFormat1(bytesOf(item, 'identities'))), pages: new Uint8Array() }),
    states: deepFreeze(parseExact(textOf(item, format === USER_FORMAT ? 'st' : 'states')) as UserItem['states']),
    late: numberOf(item, 'late'),
    erasedOrder: numberOf(item, 'erasedOrd'),
    outbox: parseOutbox(item['out']?.S ?? '[]'),
    passedOver: parsePositions(item['passedOver']?.S ?? '[]'),
    ...ttlOf(item),
  }
}

export const userAttributes = (item: UserItem): Attributes => ({
  ...keyAttributes(userKey(item.user)),
  format: { N: String(USER_FORMAT) },
  version: { N: String(item.version) },
  seq: { S: item.sequenceNumber },
  st: { S: JSON.stringify(item.states) },
  ...(item.identities.length > 0 && { ids: { B: item.identities } }),
  ...(item.pages.length > 0 && { pages: { B: item.pages } }),
  ...(item.late > 0 && { late: { N: String(item.late) } }),
  ...(item.erasedOrder > 0 && { erasedOrd: { N: String(item.erasedOrder) } }),
  ...(item.outbox.length > 0 && { out: { S: outboxText(item.outbox) } }),
  ...(item.passedOver.length > 0 && { passedOver: { S: positionsText(item.passedOver) } }),
  ...ttlAttribute(item.ttl),
})

/** Reads an item of a part grain. Throws a TypeError if its key is not one. */
export function readPartItem(item: ItemImage): PartItem {
  const address = addressOf(itemKeyOf(item))
  if (!address) throw new TypeError('An item of the state table is not a part of a state.')
  return {
    ...address,
    version: numberOf(item, 'version'),
    state: item['state'] && deepFreeze(parseExact(textOf(item, 'state'))),
    ...(item['lastOrd'] && { lastOrder: numberOf(item, 'lastOrd') }),
    ...(item['users'] && { users: unpackUsers(bytesOf(item, 'users')) }),
    ...(item['uncounted'] && { uncounted: unpackHashes(bytesOf(item, 'uncounted')) }),
    ...(item['forgottenUsers'] && { forgottenUsers: numberOf(item, 'forgottenUsers') }),
    ...(item['pages'] && { pages: JSON.parse(textOf(item, 'pages')) }),
    ...(item['passedOver'] && { passedOver: JSON.parse(textOf(item, 'passedOver')) }),
    ...ttlOf(item),
  }
}

export function partAttributes(item: PartItem): Attributes {
  const parts = partsOfKind(item.kind)
  if (!parts) throw new TypeError(`No grain has items of the kind ${item.kind}.`)
  return {
    ...keyAttributes(parts.itemKey(item)),
    version: { N: String(item.version) },
    ...(item.state !== undefined && { state: { S: JSON.stringify(item.state) } }),
    ...(item.lastOrder !== undefined && { lastOrd: { N: String(item.lastOrder) } }),
    ...(item.users && { users: { B: packUsers(item.users) } }),
    ...(item.uncounted?.size && { uncounted: { B: Buffer.from([...item.uncounted].join(''), 'hex') } }),
    ...(item.forgottenUsers && { forgottenUsers: { N: String(item.forgottenUsers) } }),
    ...(item.pages && { pages: { S: JSON.stringify(item.pages) } }),
    ...(item.passedOver && { passedOver: { S: JSON.stringify(item.passedOver) } }),
    ...ttlAttribute(item.ttl),
  }
}

export const readUsersOfPage = (item: ItemImage): Map<string, number> => unpackUsers(bytesOf(item, 'users'))

export const userPageAttributes = (page: UserPage): Attributes => ({
  ...keyAttributes(userPageKey(page)),
  users: { B: packUsers(page.users) },
  ...ttlAttribute(page.ttl),
})

/** For each user 8 bytes of hash and 8 bytes of order number. */
function packUsers(users: ReadonlyMap<string, number>): Uint8Array {
  const bytes = Buffer.alloc(users.size * SLOT_USER_BYTES)
  let at = 0
  for (const [hash, order] of users) {
    bytes.write(hash, at, 'hex')
    bytes.writeBigUInt64BE(BigInt(order), at + 8)
    at += SLOT_USER_BYTES
  }
  return bytes
}

function unpackUsers(packed: Uint8Array): Map<string, number> {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)
  const users = new Map<string, number>()
  for (let at = 0; at < bytes.length; at += SLOT_USER_BYTES)
    users.set(bytes.toString('hex', at, at + 8), Number(bytes.readBigUInt64BE(at + 8)))
  return users
}

function unpackHashes(packed: Uint8Array): Set<string> {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)
  const count = bytes.length / USER_HASH_BYTES
  return new Set(Array.from({ length: count }, (_, i) => bytes.toString('hex', i * USER_HASH_BYTES, (i + 1) * USER_HASH_BYTES)))
}
