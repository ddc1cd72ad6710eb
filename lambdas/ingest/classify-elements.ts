import { type Arrival, accept, type Envelope } from '../../shared/acceptance.ts'
import type { DecodedElement } from '../../shared/dialect.ts'
import type { Event } from '../../shared/event.ts'
import type { EventType } from '../../shared/event-type.ts'
import { isObject } from '../../shared/json.ts'
import { MAX_EVENT_BYTES, MAX_EVENTS_PER_REQUEST } from '../../shared/limits.ts'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import { isRejection, type Rejection, reject } from '../../shared/rejections.ts'

import { jsonProblem } from './json-problem.ts'

/** An element that goes to quarantine, as the answer tells it and as it is kept. */
export interface QuarantinedElement {
  readonly index: number
  readonly event: QuarantinedEvent
}

/** What becomes of every element of a request. */
export interface ClassifiedElements {
  readonly events: readonly Event[]
  /** What the answer tells of each element, in their order, null for a refused one; undefined when no element is of a type that tells. */
  readonly receipts: readonly unknown[] | undefined
  readonly quarantined: readonly QuarantinedElement[]
}

/** Sorts the elements into events to accept and elements to keep aside; each by itself, so that a bad one harms no other. */
export function classifyElements(elements: readonly DecodedElement[], arrival: Arrival): ClassifiedElements {
  const events: Event[] = []
  const quarantined: QuarantinedElement[] = []
  const receipts: unknown[] = []
  for (const element of elements) {
    const unreadable = problemOf(element)
    const outcome = unreadable ?? limitExceeded(element) ?? acceptElement(element, arrival)
    if (isRejection(outcome))
      quarantined.push({
        index: element.index,
        event: toQuarantinedEvent(element, outcome, unreadable ? 'text' : 'envelope', arrival),
      })
    else events.push(outcome)
    receipts.push(isRejection(outcome) ? null : receiptOf(outcome, arrival))
  }
  const tells = elements.some(({ envelope }) => definitionOf(envelope, arrival)?.receipt)
  return { events, quarantined, receipts: tells ? receipts : undefined }
}

/** The definition of the type that an envelope names, if it names one: anything may stand there. */
const definitionOf = (envelope: Envelope | undefined, { eventTypes }: Pick<Arrival, 'eventTypes'>): EventType | undefined =>
  typeof envelope?.type === 'string' ? eventTypes.get(envelope.type) : undefined

const receiptOf = ({ type, data }: Event, { eventTypes }: Arrival): unknown => eventTypes.get(type)?.receipt?.(data) ?? null

/** Why an element is no event, whatever its type: it is kept as it was sent. */
function problemOf({ envelope, problem }: DecodedElement): Rejection | undefined {
  const sentence = problem ?? (envelope && jsonProblem(envelope))
  return sentence === undefined ? undefined : reject('invalid_event', sentence)
}

function limitExceeded({ index, text }: DecodedElement): Rejection | undefined {
  if (index >= MAX_EVENTS_PER_REQUEST) return reject('too_many_events')
  return Buffer.byteLength(text) > MAX_EVENT_BYTES ? reject('event_too_large') : undefined
}

function acceptElement({ envelope, text }: DecodedElement, arrival: Arrival): Event | Rejection {
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

const toQuarantinedEvent = (
  { envelope, text }: DecodedElement,
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
