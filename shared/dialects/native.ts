import { type Dialect, withoutKey } from '../dialect.ts'
import { envelopeHints } from '../envelope-hints.ts'
import { isObject } from '../json.ts'

/** Every element is an envelope. */
export const native = {
  name: 'native',
  routes: {
    'POST /v1/events': { serves: 'events', about: 'Events in envelopes: one object, an array, NDJSON, or CloudEvents.' },
  },
  read: ({ body }) => body.elements(),
  hints: ({ elements }) => envelopeHints(elements),
  decode: ({ elements }) =>
    elements.map(({ index, value, text }) => {
      if (!isObject(value)) return { index, text, envelope: undefined }
      // Without sentAt, the time is not corrected: only SDKs correct their clock.
      const { writeKey, sentAt, ...envelope } = value
      return { index, text: withoutKey(text, writeKey), envelope }
    }),
} as const satisfies Dialect
