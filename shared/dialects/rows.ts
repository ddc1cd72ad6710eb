import type { Dialect } from '../dialect.ts'
import { isObject } from '../json.ts'
import { isRejection, reject } from '../rejections.ts'

/** Every element is a raw row of the event type in the path. */
export const rows = {
  name: 'rows',
  routes: {
    'POST /v1/events/{type}': { serves: 'events', about: 'Raw rows of one event type of the catalogue.' },
  },
  read: ({ parameters: { type = '' }, eventTypes, body }) => {
    if (!eventTypes.has(type)) return reject('unknown_type')
    const read = body.elements()
    // A field named writeKey is not a key: the names of a row's fields are the sender's choice.
    return isRejection(read) ? read : { ...read, writeKeys: [] }
  },
  decode: ({ elements }, { parameters: { type } }) =>
    elements.map(({ index, value, text }) => ({ index, text, envelope: isObject(value) ? { type, data: value } : undefined })),
} as const satisfies Dialect
