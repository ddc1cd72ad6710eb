import { ByteReader, ByteWriter, unzigzag, zigzag } from '../byte-codec.ts'

/** An identity that a user's item or one of its pages remembers. Times are whole seconds since 1970, rounded down. */
export interface RememberedIdentity {
  /** The first 8 bytes of the identity's SHA-256. */
  readonly hash: bigint
  /** When its record arrived in the stream. */
  readonly arrived: number
  /** The time that the sender stated; undefined: none. */
  readonly stated: number | undefined
}

/** The first 8 bytes of a hash in hexadecimal. */
export const shortHash = (hash: string): bigint => BigInt(`0x${hash.slice(0, 16)}`)

export const wholeSecondsOf = (milliseconds: number): number => Math.floor(milliseconds / 1000)

/**
 * Identities in the order of their arrival as bytes. Each has its hash (8 bytes), the seconds since the arrival before it, and 0 or
 * 1 + the seconds between its stated time and its arrival: about 10 bytes for an event that was sent at once.
 */
export function packIdentities(identities: readonly RememberedIdentity[]): Uint8Array {
  const bytes = new ByteWriter()
  let before = 0
  for (const { hash, arrived, stated } of identities) {
    bytes.writeHash(hash)
    bytes.writeSigned(arrived - before)
    bytes.writeUnsigned(stated === undefined ? 0 : 1 + zigzag(arrived - stated))
    before = arrived
  }
  return bytes.take()
}

/** The inverse of `packIdentities`. */
export function unpackIdentities(packed: Uint8Array): RememberedIdentity[] {
  const bytes = new ByteReader(packed)
  const identities: RememberedIdentity[] = []
  let before = 0
  while (!bytes.isAtEnd()) {
    const hash = bytes.readHash()
    const arrived = before + bytes.readSigned()
    const code = bytes.readUnsigned()
    identities.push({ hash, arrived, stated: code === 0 ? undefined : arrived - unzigzag(code - 1) })
    before = arrived
  }
  return identities
}

/**
 * The identities of an item of format 1: groups of an arrival (6 bytes, milliseconds since 1970), a number of hashes (2 bytes) and
 * the hashes. They have no stated times.
 */
export function identitiesOfFormat1(packed: Uint8Array): RememberedIdentity[] {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)
  const identities: RememberedIdentity[] = []
  for (let at = 0; at < bytes.length; ) {
    const arrived = wholeSecondsOf(bytes.readUIntBE(at, 6))
    const count = bytes.readUInt16BE(at + 6)
    at += 8
    for (let i = 0; i < count; i++, at += 8) identities.push({ hash: bytes.readBigUInt64BE(at), arrived, stated: undefined })
  }
  return identities
}
