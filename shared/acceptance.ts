import * as z from 'zod/mini'
import { type Event, isName, RESERVED_PREFIX } from './event.ts'
import type { EventType } from './event-type.ts'
import { isObject } from './json.ts'
import { MAX_NAME_CHARACTERS, MAX_SOURCE_CHARACTERS } from './limits.ts'
import { isRejection, type Rejection, reject } from './rejections.ts'
import { inRange, millisToMicros, parseInstant } from './time.ts'

/** An event as a dialect hands it over: nothing in it is checked yet. */
export interface Envelope {
  readonly id?: unknown
  readonly source?: unknown
  readonly type?: unknown
  readonly subject?: unknown
  readonly time?: unknown
  /** When the sender says it sent the event, by the clock that also gave `time`: RFC 3339. */
  readonly sentAt?: unknown
  readonly data?: unknown
}

/** What the server knows about an envelope that the sender did not say. */
export interface Arrival {
  /** The catalogue by name. */
  readonly eventTypes: ReadonlyMap<string, EventType>
  /** The name of the write key: the default source. */
  readonly keyName: string
  /** Milliseconds since 1970, by the server's clock. */
  readonly received: number
  readonly defaultId: () => string
}

/** Checks and conforms one envelope: the event to accept, or the rejection under which it goes to quarantine. */
export function accept(envelope: Envelope, arrival: Arrival): Event | Rejection {
  const problem = envelopeProblem(envelope)
  if (problem) return reject('invalid_event', problem)
  const name = envelope.type as string
  const type = arrival.eventTypes.get(name)
  const facts = type ? conformRow(type, envelope) : openFacts(envelope)
  if (isRejection(facts)) return facts
  const stated = envelope.time == null ? facts.time : correctedTime(envelope, arrival.received)
  return {
    id: facts.id ?? arrival.defaultId(),
    source: (envelope.source as string | null | undefined) ?? arrival.keyName,
    type: name,
    subject: facts.subject,
    time: stated ?? millisToMicros(arrival.received),
    received: arrival.received,
    data: facts.data,
  }
}

/** The stated time by the server's clock: what the sender's clock is off is told by when it says it sent the event. */
function correctedTime({ time, sentAt }: Envelope, received: number): bigint | undefined {
  const stated = parseInstant(time as string)
  const sent = typeof sentAt === 'string' ? parseInstant(sentAt) : undefined
  if (stated === undefined || sent === undefined) return stated
  return inRange(millisToMicros(received) - (sent - stated)) ?? stated
}

function envelopeProblem(envelope: Envelope): string | undefined {
  const { type, id, source, subject, time } = envelope
  if (!isName(type, MAX_NAME_CHARACTERS)) return `type must be a string of 1 to ${MAX_NAME_CHARACTERS} characters.`
  if (type.startsWith(RESERVED_PREFIX)) return `Types that begin with ${RESERVED_PREFIX} are reserved.`
  if (id != null && !isName(id, MAX_NAME_CHARACTERS)) return `id must be a string of 1 to ${MAX_NAME_CHARACTERS} characters.`
  if (source != null && !isName(source, MAX_SOURCE_CHARACTERS))
    return `source must be a string of 1 to ${MAX_SOURCE_CHARACTERS} characters.`
  if (subject != null && !isName(subject, MAX_NAME_CHARACTERS))
    return `subject must be a string of 1 to ${MAX_NAME_CHARACTERS} characters.`
  if (time != null && (typeof time !== 'string' || parseInstant(time) === undefined))
    return 'time must be RFC 3339, such as 2026-01-31T12:00:00Z, in the years 0001 to 9999.'
  return undefined
}

interface Facts {
  readonly id: string | undefined
  readonly subject: string | null
  readonly time: bigint | undefined
  readonly data: unknown
}

const openFacts = ({ id, subject, data }: Envelope): Facts => ({
  id: (id as string | null | undefined) ?? undefined,
  subject: (subject as string | null | undefined) ?? null,
  time: undefined,
  data: data ?? null,
})

function conformRow(type: EventType, envelope: Envelope): Facts | Rejection {
  if (!isObject(envelope.data)) return reject('invalid_event', `data of ${type.name} must be an object.`)
  const { [type.idField]: rowId, ...fields } = envelope.data
  if (rowId != null && !isName(rowId, MAX_NAME_CHARACTERS))
    return reject('invalid_event', `${type.idField} must be a string of 1 to ${MAX_NAME_CHARACTERS} characters.`)
  const row = parseRow(type, fields)
  if (isRejection(row)) return row
  const data = type.conform(row.data)
  if (isRejection(data as object)) return data as Rejection
  const user = type.user(data)
  if (user !== null && !isName(user, MAX_NAME_CHARACTERS))
    return reject('invalid_event', `The user of ${type.name} must have 1 to ${MAX_NAME_CHARACTERS} characters.`)
  if (envelope.subject != null && envelope.subject !== user)
    return reject('invalid_event', `subject must be the user that the fields of ${type.name} name, or be left out.`)
  const id = (envelope.id as string | null | undefined) ?? (rowId as string | null | undefined) ?? undefined
  return { id, subject: user, time: type.time(data), data }
}

const schemas = new WeakMap<EventType, z.ZodMiniType>()

function parseRow(type: EventType, fields: Record<string, unknown>): { data: unknown } | Rejection {
  let schema = schemas.get(type)
  if (!schema) {
    schema = z.looseObject(type.fields)
    schemas.set(type, schema)
  }
  const parsed = z.safeParse(schema, fields)
  // The schema library drops a field called __proto__; spreading keeps it.
  if (parsed.success) return { data: { ...fields, ...(parsed.data as object) } }
  const issue = parsed.error.issues[0]
  return reject('invalid_event', `${issue?.path.join('.')}: ${expectation(issue)}`)
}

/** Says what was expected without repeating what the client sent. */
function expectation(issue: z.core.$ZodIssue | undefined): string {
  if (issue?.code === 'invalid_type') return `must be of JSON type ${issue.expected}.`
  return 'is out of range.'
}
