import {
  type ItemKey,
  itemKind,
  outboxText,
  parseOutbox,
  SLOT_USER_BYTES,
  type SlotItem,
  slotKey,
  type UserItem,
  userKey,
  type WindowItem,
  windowKey,
} from '../../shared/state.ts'
import { parseInstant } from '../../shared/time.ts'
import type { Attributes } from '../dynamodb.ts'

/** What any item of the state table says; `other` are counts and notes that only this part's table knows. */
export type Item =
  | ({ readonly kind: 'user' } & UserItem)
  | ({ readonly kind: 'window' } & WindowItem)
  | ({ readonly kind: 'slot' } & SlotItem)
  | { readonly kind: 'other' }

export const keyAttributes = ({ pk, sk }: ItemKey): Attributes => ({ pk: { S: pk }, sk: { S: sk } })
export const itemKeyOf = (attributes: Attributes): ItemKey => ({ pk: textOf(attributes, 'pk'), sk: textOf(attributes, 'sk') })
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
  const key = itemKeyOf(attributes)
  const kind = itemKind(key)
  if (kind === 'user') return { kind, ...readUserItem(key, attributes) }
  if (kind === 'window') return { kind, ...readWindowItem(key, attributes) }
  if (kind === 'slot') return { kind, ...readSlotItem(key, attributes) }
  return { kind }
}

const readUserItem = ({ pk }: ItemKey, attributes: Attributes): UserItem => ({
  user: pk.slice(userKey('').pk.length),
  version: numberOf(attributes, 'version'),
  sequenceNumber: textOf(attributes, 'seq'),
  identities: bytesOf(attributes, 'identities'),
  recordHashes: bytesOf(attributes, 'recordHashes'),
  states: JSON.parse(textOf(attributes, 'states')),
  late: numberOf(attributes, 'late'),
  erasedOrder: numberOf(attributes, 'erasedOrd'),
  outbox: parseOutbox(textOf(attributes, 'out')),
  ...ttlOf(attributes),
})

export const userAttributes = (item: UserItem): Attributes => ({
  ...keyAttributes(userKey(item.user)),
  version: { N: String(item.version) },
  seq: { S: item.sequenceNumber },
  identities: { B: item.identities },
  recordHashes: { B: item.recordHashes },
  states: { S: JSON.stringify(item.states) },
  late: { N: String(item.late) },
  erasedOrd: { N: String(item.erasedOrder) },
  out: { S: outboxText(item.outbox) },
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

export const windowAttributes = (item: WindowItem): Attributes => ({
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

export const slotAttributes = (item: SlotItem): Attributes => ({
  ...keyAttributes(slotKey(item.projection, item.start, item.slot)),
  version: { N: String(item.version) },
  state: { S: JSON.stringify(item.state) },
  users: { B: packUsers(item.users) },
  ...ttlAttribute(item.ttl),
})

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
