import { type Dialect, withoutKey } from '../dialect.ts'
import { isObject } from '../json.ts'

/** Every element is an envelope. */
export const envelopes: Dialect = ({ elements }) =>
  elements.map(({ index, value, text }) => {
    if (!isObject(value)) return { index, text, envelope: undefined }
    // Without sentAt, the time is not corrected: only SDKs correct their clock.
    const { writeKey, sentAt, ...envelope } = value
    return { index, text: withoutKey(text, writeKey), envelope }
  })

/** Every element is a raw row of one event type. */
export const rowsOf =
  (type: string): Dialect =>
  ({ elements }) =>
    elements.map(({ index, value, text }) => ({ index, text, envelope: isObject(value) ? { type, data: value } : undefined }))
