import { createHash } from 'node:crypto'
import * as z from 'zod/mini'
import { isRejection, type Rejection, reject } from './rejections.ts'
import { EARLIEST, inRange, LATEST, millisToMicros, parseInstant, secondsToMicros, wholeSeconds } from './time.ts'

/** One accepted event, the same in every part. Its identity is (source, type, id). */
export interface Event<Data = unknown> {
  readonly id: string
  readonly source: string
  readonly type: string
  /** The user or device; null for a type without one. */
  readonly subject: string | null
  /** When it happened: microseconds since 1970, years 0001..9999. */
  readonly time: bigint
  /** When the server got it: milliseconds since 1970, by the server's clock. */
  readonly received: number
  readonly data: Data
}

/** The one identity of an event in every store, as a hash. */
export const identityHash = ({ source, type, id }: Pick<Event, 'source' | 'type' | 'id'>): Buffer =>
  createHash('sha256')
    .update(JSON.stringify([source, type, id]))
    .digest()

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

export type Fields = Readonly<Record<string, z.ZodMiniType>>
export type Row<F extends Fields> = keyof F extends never
  ? unknown
  : z.output<z.ZodMiniObject<{ -readonly [K in keyof F]: F[K] }>>

/** What one catalogued event type is: validation, columns, index fields, JSON Schema and docs all derive from it. */
export interface EventType<Data = unknown> {
  readonly name: string
  /** One sentence for the docs. */
  readonly about: string
  /** Fields of a raw row; a nullable field may also be absent, extra fields are kept beside the columns. */
  readonly fields: Fields
  /** Fields that `conform` adds. */
  readonly added: Fields
  /** The field of a raw row that carries the event's id. */
  readonly idField: string
  /** The user of a conformed row; null for a type without users. */
  user(data: Data): string | null
  /** When the row says it happened; undefined: it does not say, or not within the years 0001..9999. */
  time(data: Data): bigint | undefined
  /** Cleans a valid row, or says why it cannot be used. */
  conform(row: Data): Data | Rejection
  /** What the answer to the sender tells of each event of this type, if anything. */
  receipt?(data: Data): unknown
}

export const integer = () => z.int()
export const number = () => z.number()
export const text = () => z.string()
export const flag = () => z.boolean()
/** `YYYY-MM-DD HH:MM:SS[.ffffff]` in UTC, in the years 0001..9999. */
export const dateTime = () =>
  z.string().check(
    z.regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?$/),
    z.refine(value => parseInstant(`${value}Z`) !== undefined),
  )
/** Seconds since 1970 with decimals, within the years 0001..9999. */
export const epochSeconds = () =>
  z.number().check(
    z.gte(wholeSeconds(EARLIEST)),
    z.lt(wholeSeconds(LATEST) + 1),
    z.refine(seconds => secondsToMicros(seconds) !== undefined),
  )
/** The value, null, or nothing at all (which becomes null). */
export const nullable = <T extends z.ZodMiniType>(schema: T) => z._default(z.nullable(schema), null)

export function defineEvent<F extends Fields, A extends Fields = Record<never, never>>(definition: {
  name: string
  about: string
  fields: F
  added?: A
  idField?: string
  user: (data: Row<F> & Row<A>) => string | null
  time?: (data: Row<F> & Row<A>) => bigint | undefined
  conform?: (row: Row<F>) => (Row<F> & Row<A>) | Rejection
  receipt?: (data: Row<F> & Row<A>) => unknown
}): EventType<Row<F> & Row<A>> {
  type Data = Row<F> & Row<A>
  return {
    idField: 'event_id',
    time: () => undefined,
    ...definition,
    added: definition.added ?? {},
    conform: (definition.conform ?? ((row: Row<F>) => row)) as (row: Data) => Data | Rejection,
  }
}

const CHARACTERS = 128
const SOURCE_CHARACTERS = 256
/** Event types that begin so are the product's own, such as the erasure marker. */
export const RESERVED_PREFIX = 'millrace.'
/** The type of the marker that tells every store to forget its subject. */
export const ERASURE = `${RESERVED_PREFIX}erasure`

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
  if (!isName(type, CHARACTERS)) return `type must be a string of 1 to ${CHARACTERS} characters.`
  if (type.startsWith(RESERVED_PREFIX)) return `Types that begin with ${RESERVED_PREFIX} are reserved.`
  if (id != null && !isName(id, CHARACTERS)) return `id must be a string of 1 to ${CHARACTERS} characters.`
  if (source != null && !isName(source, SOURCE_CHARACTERS))
    return `source must be a string of 1 to ${SOURCE_CHARACTERS} characters.`
  if (subject != null && !isName(subject, CHARACTERS)) return `subject must be a string of 1 to ${CHARACTERS} characters.`
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
  if (rowId != null && !isName(rowId, CHARACTERS))
    return reject('invalid_event', `${type.idField} must be a string of 1 to ${CHARACTERS} characters.`)
  const row = parseRow(type, fields)
  if (isRejection(row)) return row
  const data = type.conform(row.data)
  if (isRejection(data as object)) return data as Rejection
  const user = type.user(data)
  if (user !== null && !isName(user, CHARACTERS))
    return reject('invalid_event', `The user of ${type.name} must have 1 to ${CHARACTERS} characters.`)
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

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whether an event of a client may have this type. */
export const isTypeName = (value: unknown): value is string => isName(value, CHARACTERS) && !value.startsWith(RESERVED_PREFIX)

/** True for a well-formed string of 1 to `most` characters (code points). */
const isName = (value: unknown, most: number): value is string =>
  typeof value === 'string' && value !== '' && value.isWellFormed() && (value.length <= most || [...value].length <= most)
