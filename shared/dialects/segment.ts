import { createHash } from 'node:crypto'
import type { Arrival, Envelope } from '../acceptance.ts'
import { type DecodedElement, type Dialect, type Element, withoutKey } from '../dialect.ts'
import { isTypeName } from '../event.ts'
import { userTraits } from '../events/user-traits.ts'
import { isObject } from '../json.ts'
import { parseInstant } from '../time.ts'

/** The calls of the Segment family with the letters that browsers put into their paths. */
export const calls = { track: 't', page: 'p', identify: 'i', screen: 's', group: 'g', alias: 'a' } as const

export type Call = keyof typeof calls

type Fields = Readonly<Record<string, unknown>>
type DialectContext = Pick<Arrival, 'eventTypes' | 'keyName'>

/**
 * The calls of the Segment family, one or a batch; `pathCall` is what a call is that does not say so itself.
 *
 * An event of a catalogued name becomes that type, its properties the row; an identify or group call becomes `user_traits`;
 * any other track call has its event's name for a type, any other call its own.
 */
export const segment =
  (pathCall?: Call): Dialect =>
  ({ elements, batchDefaults: around = {} }, about) =>
    elements.map((element): DecodedElement => {
      const { index, value, text } = element
      if (!isObject(value)) return { index, text, envelope: undefined }
      const { writeKey, ...event } = withBatchDefaults(value, around)
      const call = event['type'] ?? pathCall
      const envelope = envelopeOf({ ...event, type: call }, element, about)
      return { index, text: withoutKey(text, writeKey), envelope, problem: problemOf(event, call) }
    })

/** What the batch says for all of its events stands under what each says itself. */
function withBatchDefaults(event: Fields, { sentAt, context }: Fields): Fields {
  return {
    ...event,
    ...(event['sentAt'] == null && instantOf(sentAt) && { sentAt }),
    ...(isObject(context) && { context: isObject(event['context']) ? { ...context, ...event['context'] } : context }),
  }
}

function problemOf(event: Fields, call: unknown): string | undefined {
  if (typeof call !== 'string' || !Object.hasOwn(calls, call)) return `type must be one of ${Object.keys(calls).join(', ')}.`
  if (userOf(event) === null) return 'An event needs a userId or an anonymousId.'
  if (call === 'track' && textOf(event['event']) === undefined) return 'A track call needs the name of its event.'
  return undefined
}

/** Null, an empty text and nothing at all mean the same: no user. */
const userOf = ({ userId, anonymousId }: Fields): string | null => textOf(userId) ?? textOf(anonymousId) ?? null

/** Old clients send ids as numbers. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

function envelopeOf(event: Fields, { text }: Element, about: DialectContext): Envelope {
  const { messageId, originalTimestamp, timestamp, sentAt } = event
  const meaning = interpret(event, about)
  const time = instantOf(originalTimestamp) ?? instantOf(timestamp)
  return {
    id: textOf(messageId) ?? meaning.rowId ?? hashOf(about.keyName, text),
    ...meaning.facts,
    time,
    sentAt: instantOf(sentAt),
  }
}

/** An event that comes without an id gets one of its own bytes, so that a re-send is recognised. */
const hashOf = (keyName: string, text: string): string =>
  createHash('sha256')
    .update(JSON.stringify([keyName, text]))
    .digest('hex')

/** A time that cannot be read is as if it had not been said: the arrival stands in for it. */
const instantOf = (value: unknown): string | undefined =>
  typeof value === 'string' && parseInstant(value) !== undefined ? value : undefined

interface Interpretation {
  readonly facts: Pick<Envelope, 'type' | 'subject' | 'data'>
  /** An id among the row's own fields. */
  readonly rowId?: string | undefined
}

function interpret({ messageId, ...event }: Fields, { eventTypes }: DialectContext): Interpretation {
  const call = event['type']
  const name = event['event']
  const catalogued = call === 'track' && typeof name === 'string' ? eventTypes.get(name) : undefined
  if (catalogued) {
    const { properties, ...sdk } = event
    const row = isObject(properties) ? { sdk, ...properties } : properties
    return { facts: { type: catalogued.name, data: row }, rowId: isObject(row) ? textOf(row[catalogued.idField]) : undefined }
  }
  if (call === 'identify' || (call === 'group' && textOf(event['groupId']))) return { facts: traitsOf(event) }
  return { facts: { type: call === 'track' ? trackedType(name) : call, subject: userOf(event), data: event } }
}

function traitsOf({ traits, ...sdk }: Fields): Interpretation['facts'] {
  const groupId = sdk['type'] === 'group' ? textOf(sdk['groupId']) : undefined
  return { type: userTraits.name, data: { user_id: userOf(sdk), group_id: groupId ?? null, traits: traits ?? {}, sdk } }
}

/** The event's name, unless no type may be called so, or it would pass for a call of another kind. */
const trackedType = (name: unknown): string => (isTypeName(name) && !Object.hasOwn(calls, name) ? name : 'track')
