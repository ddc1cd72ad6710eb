import type { Spoken } from '../../shared/dialect.ts'
import { type Arrival, accept, type Envelope, type Event, type EventType, isObject } from '../../shared/event.ts'
import { isRejection, type Rejection, reject } from '../../shared/rejections.ts'
import type { QuarantinedEvent } from '../quarantine/dynamodb.ts'
import { jsonProblem } from './json-limits.ts'
import { EVENT_BYTES, EVENTS } from './request.ts'

/** An element that goes to quarantine, as the answer tells it and as it is kept. */
export interface Refusal {
  readonly index: number
  readonly kept: QuarantinedEvent
}

/** What becomes of every element of a request. */
export interface Sorted {
  readonly events: readonly Event[]
  /** What the answer tells of each element, in their order, null for a refused one; undefined when no element is of a type that tells. */
  readonly receipts: readonly unknown[] | undefined
  readonly refusals: readonly Refusal[]
}

/** Sorts the elements into events to accept and elements to keep aside; each by itself, so that a bad one harms no other. */
export function sortElements(spoken: readonly Spoken[], arrival: Arrival): Sorted {
  const events: Event[] = []
  const refusals: Refusal[] = []
  const receipts: unknown[] = []
  for (const element of spoken) {
    const unreadable = problemOf(element)
    const outcome = unreadable ?? oversize(element) ?? acceptElement(element, arrival)
    if (isRejection(outcome))
      refusals.push({ index: element.index, kept: kept(element, outcome, unreadable ? 'text' : 'envelope', arrival) })
    else events.push(outcome)
    receipts.push(isRejection(outcome) ? null : receiptOf(outcome, arrival))
  }
  const tells = spoken.some(({ envelope }) => definitionOf(envelope, arrival)?.receipt)
  return { events, refusals, receipts: tells ? receipts : undefined }
}

/** The definition of the type that an envelope names, if it names one: anything may stand there. */
const definitionOf = (envelope: Envelope | undefined, { eventTypes }: Pick<Arrival, 'eventTypes'>): EventType | undefined =>
  typeof envelope?.type === 'string' ? eventTypes.get(envelope.type) : undefined

const receiptOf = ({ type, data }: Event, { eventTypes }: Arrival): unknown => eventTypes.get(type)?.receipt?.(data) ?? null

/** Why an element is no event, whatever its type: it is kept as it was sent. */
function problemOf({ envelope, problem }: Spoken): Rejection | undefined {
  const sentence = problem ?? (envelope && jsonProblem(envelope))
  return sentence === undefined ? undefined : reject('invalid_event', sentence)
}

function oversize({ index, text }: Spoken): Rejection | undefined {
  if (index >= EVENTS) return reject('too_many_events')
  return Buffer.byteLength(text) > EVENT_BYTES ? reject('event_too_large') : undefined
}

function acceptElement({ envelope, text }: Spoken, arrival: Arrival): Event | Rejection {
  if (envelope) return accept(envelope, arrival)
  return isJson(text)
    ? reject('invalid_event', 'An event must be a JSON object.')
    : reject('malformed_json', 'The line is not JSON.')
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Well formed, since no store takes anything else. */
const shortText = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value.slice(0, 128).toWellFormed() : null

const kept = (
  { envelope, text }: Spoken,
  { code, message }: Rejection,
  form: QuarantinedEvent['form'],
  { keyName, received, eventTypes }: Arrival,
): QuarantinedEvent => ({
  code,
  message,
  type: shortText(envelope?.type),
  id: shortText(envelope?.id) ?? rowId(envelope, eventTypes),
  keyName,
  received,
  ...(envelope && form === 'envelope' ? { form, body: JSON.stringify(envelope) } : { form: 'text', body: text }),
})

function rowId(envelope: Envelope | undefined, eventTypes: Arrival['eventTypes']): string | null {
  const type = definitionOf(envelope, { eventTypes })
  return type && isObject(envelope?.data) ? shortText(envelope.data[type.idField]) : null
}
