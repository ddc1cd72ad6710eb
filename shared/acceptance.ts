import * as z from 'zod/mini'
import type { Envelope } from './envelope.ts'
import { type Event, isName, RESERVED_PREFIX } from './event.ts'
import type { EventType } from './event-type.ts'
import { isExactInteger, toNumber } from './exact-json.ts'
import { fieldProblem, nameProblem, typeProblem } from './field-problem.ts'
import { isObject } from './json.ts'
import { applyRights, type Sender } from './key-rights.ts'
import { MAX_NAME_CHARACTERS, MAX_SOURCE_CHARACTERS } from './limits.ts'
import { isRejection, type Rejection, reject } from './rejections.ts'
import { inRange, instantProblem, lastPresent, millisToMicros, parseInstant, wholeSeconds } from './time.ts'

/** What the server knows about an envelope in addition to what the sender stated. */
export interface Arrival {
  /** The catalogue by name. */
  readonly eventTypes: ReadonlyMap<string, EventType>
  readonly sender: Sender
  /** Milliseconds since 1970, on the server's clock. */
  readonly received: number
  readonly defaultId: () => string
}

/** An envelope whose fields have valid types and lengths; its `data` is not checked yet. */
interface CheckedEnvelope extends Pick<Envelope, 'sentAt' | 'data'> {
  readonly type: string
  readonly id?: string | null
  readonly source?: string | null
  readonly subject?: string | null
  readonly time?: string | null
}

/** Checks and conforms one envelope. Returns the event to accept, or the rejection to quarantine it with. */
export function accept(sent: Envelope, arrival: Arrival): Event | Rejection {
  const { sender } = arrival
  const permitted = applyRights(sent, sender)
  if (isRejection(permitted)) return permitted
  const envelope = checkEnvelope(permitted)
  if (isRejection(envelope)) return envelope
  const type = arrival.eventTypes.get(envelope.type)
  const facts = type ? conformRow(type, envelope) : openFacts(envelope)
  if (isRejection(facts)) return facts
  const stated = envelope.time == null ? facts.time : parseInstant(envelope.time)
  const time = envelope.time == null ? facts.time : correctedTime(envelope, arrival.received)
  return {
    id: facts.id ?? arrival.defaultId(),
    source: envelope.source ?? sender.source,
    type: envelope.type,
    subject: facts.subject,
    time: time ?? millisToMicros(arrival.received),
    ...(stated !== undefined && { stated: wholeSeconds(stated) }),
    received: arrival.received,
    ...(sender.id !== undefined && { keyId: sender.id }),
    data: facts.data,
  }
}

/** The event's time on the server's clock; undefined if it is from the future: then the arrival is used. The sender's clock skew is `received - sentAt`. */
function correctedTime({ time, sentAt }: CheckedEnvelope, received: number): bigint | undefined {
  const stated = parseInstant(time ?? '')
  const sent = typeof sentAt === 'string' ? parseInstant(sentAt) : undefined
  if (stated === undefined || sent === undefined) return stated
  const corrected = inRange(millisToMicros(received) - (sent - stated)) ?? stated
  return corrected > lastPresent(received) ? undefined : corrected
}

function checkEnvelope(envelope: Envelope): CheckedEnvelope | Rejection {
  const problem = envelopeProblem(envelope)
  // The cast is safe: `envelopeProblem` checks the type of each of these fields.
  return problem ? reject('invalid_event', problem) : (envelope as CheckedEnvelope)
}

function envelopeProblem(envelope: Envelope): string | undefined {
  const { type, time } = envelope
  const problem = nameProblem(envelope, 'type', MAX_NAME_CHARACTERS)
  if (problem) return problem
  if (String(type).startsWith(RESERVED_PREFIX)) return `Types that begin with ${RESERVED_PREFIX} are reserved.`
  return (
    optionalNameProblem(envelope, 'id', MAX_NAME_CHARACTERS) ??
    optionalNameProblem(envelope, 'source', MAX_SOURCE_CHARACTERS) ??
    optionalNameProblem(envelope, 'subject', MAX_NAME_CHARACTERS) ??
    (time == null ? undefined : timeProblem(envelope))
  )
}

const optionalNameProblem = (object: Envelope, name: 'id' | 'source' | 'subject', most: number): string | undefined =>
  object[name] == null ? undefined : nameProblem(object, name, most)

function timeProblem(envelope: Envelope): string | undefined {
  if (typeof envelope.time !== 'string') return typeProblem(envelope, 'time', 'a string')
  const problem = instantProblem(envelope.time)
  return problem && `time ${problem}`
}

/** What the fields of a row say about its event. */
interface Facts {
  readonly id: string | undefined
  readonly subject: string | null
  readonly time: bigint | undefined
  readonly data: unknown
}

/** The facts of an event whose type is not in the catalogue. */
const openFacts = ({ id, subject, data }: CheckedEnvelope): Facts => ({
  id: id ?? undefined,
  subject: subject ?? null,
  time: undefined,
  data: data ?? null,
})

function conformRow(type: EventType, envelope: CheckedEnvelope): Facts | Rejection {
  if (!isObject(envelope.data)) return reject('invalid_event', typeProblem(envelope, 'data', `an object of ${type.name}`))
  const { [type.idField]: rowId, ...fields } = envelope.data
  if (rowId != null && !isName(rowId, MAX_NAME_CHARACTERS))
    return reject('invalid_event', nameProblem(envelope.data, type.idField, MAX_NAME_CHARACTERS))
  if (envelope.id != null && rowId != null && envelope.id !== rowId)
    return reject('invalid_event', `id must be omitted or equal ${type.idField} in the fields of ${type.name}.`)
  const row = parseRow(type, fields)
  if (isRejection(row)) return row
  const data = type.conform(row.data)
  if (isRejection(data)) return data
  const user = type.user(data)
  if (user !== null && !isName(user, MAX_NAME_CHARACTERS))
    return reject('invalid_event', `The user of ${type.name} must have 1 to ${MAX_NAME_CHARACTERS} characters.`)
  if (envelope.subject != null && envelope.subject !== user)
    return reject('invalid_event', `subject must be omitted or equal the user in the fields of ${type.name}.`)
  return { id: envelope.id ?? rowId ?? undefined, subject: user, time: type.time(data), data }
}

const schemas = new WeakMap<EventType, z.ZodMiniType>()

function schemaOf(type: EventType): z.ZodMiniType {
  const known = schemas.get(type)
  if (known) return known
  const schema = z.looseObject(type.fields)
  schemas.set(type, schema)
  return schema
}

function parseRow(type: EventType, fields: Record<string, unknown>): { data: unknown } | Rejection {
  const row = withNumbers(type, fields)
  const parsed = z.safeParse(schemaOf(type), row)
  // The schema library drops a field called __proto__; spreading keeps it.
  if (parsed.success) return { data: { ...row, ...(parsed.data as object) } }
  const issue = parsed.error.issues[0]
  return reject('invalid_event', issue && fieldProblem(issue, row, type.fields))
}

/** The row with numbers in the fields of its type. Its other fields keep the digits of long integers. */
function withNumbers(type: EventType, fields: Record<string, unknown>): Record<string, unknown> {
  const exact = Object.keys(type.fields).filter(field => isExactInteger(fields[field]))
  return exact.length === 0 ? fields : { ...fields, ...Object.fromEntries(exact.map(field => [field, toNumber(fields[field])])) }
}
