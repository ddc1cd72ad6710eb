import type { Arrival } from '../acceptance.ts'
import { type Body, type DecodedElement, type Element, freeName, withoutKey } from '../dialect.ts'
import type { Envelope } from '../envelope.ts'
import { isTypeName } from '../event.ts'
import { userTraits } from '../events/user-traits.ts'
import { otherSpelling, typeProblem } from '../field-problem.ts'
import { isObject, type JsonObject } from '../json.ts'
import { parseInstant } from '../time.ts'
import { hashOf, idProblem, textOf, userOf, withExactIds } from './segment-ids.ts'

/** The calls of the Segment API, each with the letter that browsers use in the path. */
export const calls = { track: 't', page: 'p', identify: 'i', screen: 's', group: 'g', alias: 'a' } as const

export type Call = keyof typeof calls

interface CallContext extends Pick<Arrival, 'eventTypes'> {
  /** The name of the key. */
  readonly keyName: string
  /** The call for elements without a `type`. */
  readonly pathCall: Call | undefined
}

/**
 * Decodes Segment calls, one or a batch.
 *
 * - A track call whose event is in the catalogue becomes an event of that type; its properties are the row.
 * - An identify call, or a group call with a groupId, becomes `user_traits`.
 * - Any other track call has the name of its event as its type, and any other call has the name of the call.
 */
export const decodeCalls = ({ elements, batchDefaults = {} }: Body, context: CallContext): DecodedElement[] =>
  elements.map(element => {
    const { index, value, text } = element
    if (!isObject(value)) return { index, text, envelope: undefined }
    const { writeKey, ...event } = withBatchDefaults(withExactIds(value, element), batchDefaults)
    const call = event['type'] ?? context.pathCall
    const envelope = envelopeOf({ ...event, type: call }, element, context)
    const ignoredTimes = ignoredTimesOf(value, batchDefaults)
    return { index, text: withoutKey(text, writeKey), envelope, problem: problemOf(event, call), ignoredTimes }
  })

const TIMES = ['originalTimestamp', 'timestamp', 'sentAt'] as const

/** The number of times of an event, with that of its batch, that cannot be parsed. */
const ignoredTimesOf = (event: JsonObject, { sentAt }: JsonObject): number =>
  [...TIMES.map(name => event[name]), event['sentAt'] == null ? sentAt : undefined].filter(
    time => time != null && time !== '' && instantOf(time) === undefined,
  ).length

/** Batch-level fields are defaults; an event's own fields win. */
function withBatchDefaults(event: JsonObject, { sentAt, context }: JsonObject): JsonObject {
  return {
    ...event,
    ...(event['sentAt'] == null && instantOf(sentAt) && { sentAt }),
    ...(isObject(context) && { context: isObject(event['context']) ? { ...context, ...event['context'] } : context }),
  }
}

function problemOf(event: JsonObject, call: unknown): string | undefined {
  if (typeof call !== 'string' || !Object.hasOwn(calls, call)) return `type must be one of ${Object.keys(calls).join(', ')}.`
  const unusable = idProblem({ ...event, type: call })
  if (unusable) return unusable
  if (userOf(event) === null) return `An event needs a userId or an anonymousId${spellingHint(event)}.`
  if (call !== 'track' || textOf(event['event']) !== undefined) return undefined
  return event['event'] === ''
    ? 'event must be a string, the name of the event, not empty.'
    : typeProblem(event, 'event', 'a string, the name of the event')
}

function spellingHint(event: JsonObject): string {
  const spelling = otherSpelling(event, 'userId') ?? otherSpelling(event, 'anonymousId')
  return spelling ? `; there is ${spelling}, but names are case-sensitive` : ''
}

function envelopeOf(event: JsonObject, element: Element, context: CallContext): Envelope {
  const { messageId, originalTimestamp, timestamp, sentAt } = event
  const { facts, rowId } = interpret(event, context)
  const time = instantOf(originalTimestamp) ?? instantOf(timestamp)
  return {
    id: rowId ?? textOf(messageId) ?? hashOf(context.keyName, element),
    ...facts,
    time,
    sentAt: instantOf(sentAt),
  }
}

/** The text if it is an instant. An unparseable time is ignored and the arrival time is used. */
const instantOf = (value: unknown): string | undefined =>
  typeof value === 'string' && parseInstant(value) !== undefined ? value : undefined

interface Interpretation {
  readonly facts: Pick<Envelope, 'type' | 'subject' | 'data'>
  /** The id in the row's fields, if any. */
  readonly rowId?: string | undefined
}

/** Type, subject and data of a call. A row's own id is the event's id; then the messageId stays in the data. */
function interpret({ messageId, ...event }: JsonObject, { eventTypes }: CallContext): Interpretation {
  const call = event['type']
  const name = event['event']
  const catalogued = call === 'track' && typeof name === 'string' ? eventTypes.get(name) : undefined
  if (catalogued) {
    const { properties, ...rest } = event
    if (!isObject(properties)) return { facts: { type: catalogued.name, data: properties } }
    const rowId = textOf(properties[catalogued.idField])
    const sdk = rowId === undefined || messageId == null ? rest : { messageId, ...rest }
    return { facts: { type: catalogued.name, data: { [freeName(properties, 'sdk')]: sdk, ...properties } }, rowId }
  }
  if (call === 'identify' || (call === 'group' && textOf(event['groupId']))) return { facts: traitsOf(event) }
  return { facts: { type: call === 'track' ? trackedType(name) : call, subject: userOf(event), data: event } }
}

/** The `user_traits` row of an identify or group call. */
function traitsOf({ traits, ...sdk }: JsonObject): Interpretation['facts'] {
  const groupId = sdk['type'] === 'group' ? textOf(sdk['groupId']) : undefined
  return { type: userTraits.name, data: { user_id: userOf(sdk), group_id: groupId ?? null, traits: traits ?? {}, sdk } }
}

/** The event's name as its type; `track` if the name is not a valid type or is the name of another call. */
const trackedType = (name: unknown): string => (isTypeName(name) && !Object.hasOwn(calls, name) ? name : 'track')
