import { createHash } from 'node:crypto'

/** How long, and how many, identities of a user are remembered. */
export interface IdentityWindow {
  readonly milliseconds: number
  readonly count: number
}

/** The identities of one user's latest events, oldest first. */
export interface Identities {
  /** Forgets the identities that are older than the window at this time, in milliseconds since 1970. */
  forget(arrived: number): void
  has(hash: bigint): boolean
  keep(hash: bigint, arrived: number): void
  /** Size of the result of `pack` in bytes. */
  bytes(): number
  pack(): Uint8Array
}

/** Identities that arrived together. */
interface Group {
  readonly arrived: number
  readonly hashes: bigint[]
  /** The packed group; undefined after a change. */
  packed: Buffer | undefined
}

/** A packed group: when it arrived (6 bytes, milliseconds since 1970), the number of hashes (2 bytes), then the hashes. */
const HEADER_BYTES = 8
const HASH_BYTES = 8

export const shortHash = (hash: Buffer): bigint => hash.readBigUInt64BE(0)

/** One hash over all identities of a record, in order. */
export const recordHash = (hashes: readonly bigint[]): bigint => shortHash(createHash('sha256').update(hashes.join()).digest())

/** Unpacks the result of `pack`. Identities dominate the size of an item, so a time is stored once for all that share it. */
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
    forget(arrived) {
      const isOld = (group: Group) => arrived - group.arrived > window.milliseconds
      for (const hash of groups.filter(isOld).flatMap(group => group.hashes)) known.delete(hash)
      groups = groups.filter(group => !isOld(group))
    },
    has: hash => known.has(hash),
    keep(hash, arrived) {
      const last = groups.at(-1)
      if (last?.arrived === arrived) {
        last.hashes.push(hash)
        last.packed = undefined
      } else groups.push({ arrived, hashes: [hash], packed: undefined })
      known.add(hash)
      if (known.size > window.count) dropOldest()
    },
    bytes: () => groups.length * HEADER_BYTES + known.size * HASH_BYTES,
    pack: () => Buffer.concat(groups.map(packed)),
  }
}

function unpack(array: Uint8Array): Group[] {
  const bytes = Buffer.from(array.buffer, array.byteOffset, array.byteLength)
  const groups: Group[] = []
  for (let at = 0; at < bytes.length; ) {
    const count = bytes.readUInt16BE(at + 6)
    const hashes = Array.from({ length: count }, (_, i) => bytes.readBigUInt64BE(at + HEADER_BYTES + i * HASH_BYTES))
    const end = at + HEADER_BYTES + count * HASH_BYTES
    groups.push({ arrived: bytes.readUIntBE(at, 6), hashes, packed: bytes.subarray(at, end) })
    at = end
  }
  return groups
}

function packed(group: Group): Buffer {
  group.packed ??= packGroup(group)
  return group.packed
}

function packGroup({ arrived, hashes }: Group): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + hashes.length * HASH_BYTES)
  bytes.writeUIntBE(arrived, 0, 6)
  bytes.writeUInt16BE(hashes.length, 6)
  for (const [i, hash] of hashes.entries()) bytes.writeBigUInt64BE(hash, HEADER_BYTES + i * HASH_BYTES)
  return bytes
}
