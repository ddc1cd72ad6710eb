import { isObject } from './json.ts'

/** The fields of an envelope; the write key may be beside them. */
const FIELDS: ReadonlySet<string> = new Set(['id', 'source', 'type', 'subject', 'time', 'data', 'writeKey', 'sentAt'])

/** Names that other products give the fields of an envelope. */
const OTHER_NAMES: Readonly<Record<string, readonly string[]>> = {
  type: ['event', 'eventType', 'event_type', 'eventName', 'event_name', 'name'],
  subject: ['user', 'userId', 'user_id', 'anonymousId', 'distinct_id', 'deviceId', 'device_id', 'key'],
  id: ['eventId', 'event_id', 'messageId', 'message_id', 'uuid'],
  time: ['timestamp', 'Timestamp', 'ts', 'date', 'datetime', 'createdAt', 'created_at', 'event_time', 'originalTimestamp'],
  data: ['payload', 'body', 'properties', 'props', 'attributes', 'fields', 'value', 'context'],
  source: ['origin', 'sender'],
}

const meaningOf: ReadonlyMap<string, string> = new Map(
  Object.entries(OTHER_NAMES).flatMap(([field, names]) => names.map(name => [name, field] as const)),
)

export const MAX_HINTS = 5

/**
 * What the sender may have got wrong: fields beside those of an envelope, which are ignored. Names that are not known here are
 * counted only, because they are text of a client.
 */
export function envelopeHints(elements: readonly { readonly value: unknown }[]): readonly string[] {
  const ignored = new Map<string, number>()
  let others = 0
  for (const { value } of elements) {
    const fields = isObject(value) ? Object.keys(value).filter(name => !FIELDS.has(name)) : []
    for (const name of fields.filter(each => meaningOf.has(each))) ignored.set(name, (ignored.get(name) ?? 0) + 1)
    if (fields.some(name => !meaningOf.has(name))) others += 1
  }
  const known = [...ignored].map(
    ([name, count]) =>
      `${name} is not a field of an envelope and was ignored (${events(count)}): use ${meaningOf.get(name)}, or put it into data.`,
  )
  const more = others > 0 ? [`Fields that an envelope does not have were ignored (${events(others)}): put them into data.`] : []
  return [...known.slice(0, MAX_HINTS - more.length), ...more]
}

const events = (count: number): string => (count === 1 ? '1 event' : `${count} events`)
