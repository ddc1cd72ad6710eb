import { type Dialect, withoutKey } from '../dialect.ts'
import { isObject } from '../json.ts'

/** Elements are envelopes as they are. */
export const envelopes: Dialect = ({ elements }) =>
  elements.map(({ index, value, text }) => {
    if (!isObject(value)) return { index, text, envelope: undefined }
    // Only an SDK's clock is corrected.
    const { writeKey, sentAt, ...envelope } = value
    return { index, text: withoutKey(text, writeKey), envelope }
  })

/** Elements are raw rows of one event type. */
export const rowsOf =
  (type: string): Dialect =>
  ({ elements }) =>
    elements.map(({ index, value, text }) => ({ index, text, envelope: isObject(value) ? { type, data: value } : undefined }))
