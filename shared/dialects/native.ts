import type { Dialect } from '../dialect.ts'
import { isObject } from '../event.ts'

/** Elements are envelopes as they are. */
export const envelopes: Dialect = elements =>
  elements.map(({ index, value, text }) => ({ index, text, envelope: isObject(value) ? value : undefined }))

/** Elements are raw rows of one event type. */
export const rowsOf =
  (type: string): Dialect =>
  elements =>
    elements.map(({ index, value, text }) => ({ index, text, envelope: isObject(value) ? { type, data: value } : undefined }))
