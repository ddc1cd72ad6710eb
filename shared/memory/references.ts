import { createHash } from 'node:crypto'
import { ByteReader, ByteWriter } from '../byte-codec.ts'

/**
 * An immutable part of a user's memory, in an item of its own. A page has identities, or, in the index of old pages, references to
 * pages. The user's item names its pages, so a page that lost a race is never read and expires.
 */
export interface PageReference {
  /** 16 hexadecimal digits of the SHA-256 of the page's content. */
  readonly id: string
  readonly isIndex: boolean
  /** Identities in it, or in the pages below it. */
  readonly count: number
  /** The oldest and newest arrival among them, in whole seconds since 1970. */
  readonly oldest: number
  readonly newest: number
  /** The least and greatest stated time among them, in whole seconds since 1970; undefined: none has one. */
  readonly stated: { readonly from: number; readonly to: number } | undefined
}

const ID_BYTES = 8
const INDEX_FLAG = 1
const STATED_FLAG = 2

export const pageId = (content: Uint8Array): string =>
  createHash('sha256')
    .update(content)
    .digest('hex')
    .slice(0, 2 * ID_BYTES)

/** References, oldest pages first, as bytes: about 20 for each. */
export function packReferences(references: readonly PageReference[]): Uint8Array {
  const bytes = new ByteWriter()
  let before = 0
  for (const { id, isIndex, count, oldest, newest, stated } of references) {
    bytes.writeUnsigned((isIndex ? INDEX_FLAG : 0) + (stated ? STATED_FLAG : 0))
    bytes.writeHash(BigInt(`0x${id}`))
    bytes.writeUnsigned(count)
    bytes.writeSigned(newest - before)
    bytes.writeUnsigned(newest - oldest)
    if (stated) {
      bytes.writeSigned(newest - stated.to)
      bytes.writeUnsigned(stated.to - stated.from)
    }
    before = newest
  }
  return bytes.take()
}

/** The inverse of `packReferences`. */
export function unpackReferences(packed: Uint8Array): PageReference[] {
  const bytes = new ByteReader(packed)
  const references: PageReference[] = []
  let before = 0
  while (!bytes.isAtEnd()) {
    const flags = bytes.readUnsigned()
    const id = bytes
      .readHash()
      .toString(16)
      .padStart(2 * ID_BYTES, '0')
    const count = bytes.readUnsigned()
    const newest = before + bytes.readSigned()
    const oldest = newest - bytes.readUnsigned()
    const isStated = flags >= STATED_FLAG
    const to = isStated ? newest - bytes.readSigned() : 0
    const stated = isStated ? { from: to - bytes.readUnsigned(), to } : undefined
    references.push({ id, isIndex: flags % STATED_FLAG === INDEX_FLAG, count, oldest, newest, stated })
    before = newest
  }
  return references
}

/** What a reference to these pages, in this order, tells of them beside the id. */
export function summary(parts: readonly Omit<PageReference, 'id' | 'isIndex'>[]): Omit<PageReference, 'id' | 'isIndex'> {
  const stated = parts.flatMap(part => part.stated ?? [])
  return {
    count: parts.reduce((sum, { count }) => sum + count, 0),
    oldest: least(parts.map(({ oldest }) => oldest)),
    newest: greatest(parts.map(({ newest }) => newest)),
    stated:
      stated.length === 0 ? undefined : { from: least(stated.map(({ from }) => from)), to: greatest(stated.map(({ to }) => to)) },
  }
}

// Math.min and Math.max take their values as arguments, of which a call cannot have many thousands.
const least = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
const greatest = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
