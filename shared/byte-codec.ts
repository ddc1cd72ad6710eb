/** A signed integer as an unsigned one: small magnitudes of either sign stay small. */
export const zigzag = (value: number): number => (value < 0 ? -2 * value - 1 : 2 * value)
/** The inverse of `zigzag`. */
export const unzigzag = (value: number): number => (value % 2 === 0 ? value / 2 : -(value + 1) / 2)

const HASH_BYTES = 8

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView => new DataView(buffer, byteOffset, byteLength)
const CONTINUES = 0x80

/** Appends hashes and integers to bytes. An integer needs a byte for each 7 bits (LEB128). */
export class ByteWriter {
  private bytes = Buffer.allocUnsafe(256)
  private view = viewOf(this.bytes)
  private length = 0

  writeHash(hash: bigint): void {
    this.reserve(HASH_BYTES)
    this.view.setBigUint64(this.length, hash)
    this.length += HASH_BYTES
  }

  /** `value`: 0 to 2^53 - 1. */
  writeUnsigned(value: number): void {
    this.reserve(HASH_BYTES)
    let rest = value
    while (rest >= CONTINUES) {
      this.bytes[this.length++] = (rest % CONTINUES) | CONTINUES
      rest = Math.floor(rest / CONTINUES)
    }
    this.bytes[this.length++] = rest
  }

  /** `value`: less than 2^52 in magnitude. */
  writeSigned(value: number): void {
    this.writeUnsigned(zigzag(value))
  }

  take(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }

  private reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return
    const grown = Buffer.allocUnsafe(2 * this.bytes.length)
    this.bytes.copy(grown)
    this.bytes = grown
    this.view = viewOf(grown)
  }
}

/** Reads what a `ByteWriter` wrote. Throws a RangeError at the end of the bytes. */
export class ByteReader {
  private readonly view: DataView
  private at = 0

  constructor(bytes: Uint8Array) {
    this.view = viewOf(bytes)
  }

  isAtEnd(): boolean {
    return this.at >= this.view.byteLength
  }

  readHash(): bigint {
    this.at += HASH_BYTES
    return this.view.getBigUint64(this.at - HASH_BYTES)
  }

  readUnsigned(): number {
    let value = 0
    for (let factor = 1; ; factor *= CONTINUES) {
      const byte = this.view.getUint8(this.at++)
      value += (byte % CONTINUES) * factor
      if (byte < CONTINUES) return value
    }
  }

  readSigned(): number {
    return unzigzag(this.readUnsigned())
  }
}
