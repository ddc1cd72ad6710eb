import { createHash } from 'node:crypto'
import { MAX_NAME_CHARACTERS } from './limits.ts'

/** One accepted event, the same in every part. Its identity is (source, type, id). */
export interface Event<Data = unknown> {
  readonly id: string
  readonly source: string
  readonly type: string
  /** The user or device; null for a type without one. */
  readonly subject: string | null
  /** When it happened: microseconds since 1970, years 0001..9999. */
  readonly time: bigint
  /** When the server got it: milliseconds since 1970, by the server's clock. */
  readonly received: number
  readonly data: Data
}

/** The one identity of an event in every store, as a hash. */
export const identityHash = ({ source, type, id }: Pick<Event, 'source' | 'type' | 'id'>): Buffer =>
  createHash('sha256')
    .update(JSON.stringify([source, type, id]))
    .digest()

/** Event types that begin so are the product's own, such as the erasure marker. */
export const RESERVED_PREFIX = 'millrace.'
/** The type of the marker that tells every store to forget its subject. */
export const ERASURE_TYPE = `${RESERVED_PREFIX}erasure`

/** Whether an event of a client may have this type. */
export const isTypeName = (value: unknown): value is string =>
  isName(value, MAX_NAME_CHARACTERS) && !value.startsWith(RESERVED_PREFIX)

/** True for a well-formed string of 1 to `most` characters (code points). */
export const isName = (value: unknown, most: number): value is string =>
  typeof value === 'string' && value !== '' && value.isWellFormed() && (value.length <= most || [...value].length <= most)
