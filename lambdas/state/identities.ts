import { createHash } from 'node:crypto'

/** How far back a repeated identity is recognised. */
export interface IdentityWindow {
  readonly milliseconds: number
  /** At most so many identities are kept. */
  readonly count: number
}

/** The identities of one user's latest events, in the order they were kept. */
export interface Identities {
  /** Forgets what is older than the window, seen from this arrival. */
  forget(received: number): void
  has(hash: bigint): boolean
  keep(hash: bigint, received: number): void
  /** Bytes that `pack` will take. */
  bytes(): number
  pack(): Uint8Array
}

interface Group {
  readonly received: number
  readonly hashes: bigint[]
  /** The group as it was last packed; undefined once it changed. */
  packed: Buffer | undefined
}

/** A group is the arrival (6 bytes, ms), a count (2 bytes) and that many hashes of 8 bytes. */
const HEADER = 8
const HASH = 8

export const shortHash = (hash: Buffer): bigint => hash.readBigUInt64BE(0)

/** One hash of all identities of a record, in their order. */
export const recordHash = (hashes: readonly bigint[]): bigint => shortHash(createHash('sha256').update(hashes.join()).digest())

/** Unpacks what `pack` made. An arrival is written once for all identities that share it: they dominate the size of an item. */
export function identitiesFrom(bytes: Uint8Array, window: IdentityWindow): Identities {
  let groups = unpack(bytes)
  const known = new Set(groups.flatMap(group => group.hashes))

  const dropOldest = () => {
    const [oldest] = groups
    const hash = oldest?.hashes.shift()
    if (!oldest || hash === undefined) return
    known.delete(hash)
    oldest.packed = undefined
    if (oldest.hashes.length === 0) groups.shift()
  }

  return {
    forget(received) {
      const isOld = (group: Group) => received - group.received > window.milliseconds
      for (const hash of groups.filter(isOld).flatMap(group => group.hashes)) known.delete(hash)
      groups = groups.filter(group => !isOld(group))
    },
    has: hash => known.has(hash),
    keep(hash, received) {
      const last = groups.at(-1)
      if (last?.received === received) {
        last.hashes.push(hash)
        last.packed = undefined
      } else groups.push({ received, hashes: [hash], packed: undefined })
      known.add(hash)
      if (known.size > window.count) dropOldest()
    },
    bytes: () => groups.length * HEADER + known.size * HASH,
    pack: () => Buffer.concat(groups.map(packed)),
  }
}

function unpack(array: Uint8Array): Group[] {
  const bytes = Buffer.from(array.buffer, array.byteOffset, array.byteLength)
  const groups: Group[] = []
  for (let at = 0; at < bytes.length; ) {
    const count = bytes.readUInt16BE(at + 6)
    const hashes = Array.from({ length: count }, (_, i) => bytes.readBigUInt64BE(at + HEADER + i * HASH))
    const end = at + HEADER + count * HASH
    groups.push({ received: bytes.readUIntBE(at, 6), hashes, packed: bytes.subarray(at, end) })
    at = end
  }
  return groups
}

/** The bytes of a group, made once after a change. */
function packed(group: Group): Buffer {
  group.packed ??= packGroup(group)
  return group.packed
}

function packGroup({ received, hashes }: Group): Buffer {
  const bytes = Buffer.alloc(HEADER + hashes.length * HASH)
  bytes.writeUIntBE(received, 0, 6)
  bytes.writeUInt16BE(hashes.length, 6)
  for (const [i, hash] of hashes.entries()) bytes.writeBigUInt64BE(hash, HEADER + i * HASH)
  return bytes
}
