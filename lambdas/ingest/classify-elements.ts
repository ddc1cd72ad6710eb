import { type Arrival, accept } from '../../shared/acceptance.ts'
import type { DecodedElement } from '../../shared/dialect.ts'
import type { Envelope } from '../../shared/envelope.ts'
import type { Event } from '../../shared/event.ts'
import type { EventType } from '../../shared/event-type.ts'
import { jsonType } from '../../shared/field-problem.ts'
import { isObject } from '../../shared/json.ts'
import { parseShallow } from '../../shared/json-depth.ts'
import { describeJsonError } from '../../shared/json-error.ts'
import { applyRights } from '../../shared/key-rights.ts'
import { MAX_EVENT_BYTES, MAX_EVENTS_PER_REQUEST, MAX_NAME_CHARACTERS } from '../../shared/limits.ts'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import { isRejection, type Rejection, reject } from '../../shared/rejections.ts'
import { mostStoredBytes } from '../../shared/stored-json.ts'
import { jsonProblem } from './json-problem.ts'

/** An element that goes to quarantine. */
export interface QuarantinedElement {
  /** 0-based position in the request, for the response. */
  readonly index: number
  readonly event: QuarantinedEvent
}

/** The result for each element of a request. */
export interface ClassifiedElements {
  readonly events: readonly Event[]
  /** The 0-based position of each event's element in the request. */
  readonly indexes: ReadonlyMap<Event, number>
  /**
   * One receipt per element, in the order of the request; null for a quarantined element and for a type without receipts.
   * Undefined if neither the route nor an element has a type with receipts.
   */
  readonly receipts: readonly unknown[] | undefined
  readonly quarantined: readonly QuarantinedElement[]
  /** What the sender may have got wrong. Absent: nothing. */
  readonly hints?: readonly string[] | undefined
}

/**
 * Splits elements into accepted events and quarantined elements. Each element is judged alone: a bad one affects no other. `routeType`:
 * the event type in the path, which all elements have, also those that are no objects.
 */
export function classifyElements(elements: readonly DecodedElement[], arrival: Arrival, routeType?: string): ClassifiedElements {
  const indexes = new Map<Event, number>()
  const quarantined: QuarantinedElement[] = []
  const receipts: unknown[] = []
  for (const element of elements) {
    const result = classifyElement(element, arrival)
    if (result.accepted) indexes.set(result.event, element.index)
    else quarantined.push({ index: element.index, event: result.event })
    receipts.push(result.accepted ? receiptOf(result.event, arrival) : null)
  }
  const hasReceipts =
    (routeType !== undefined && arrival.eventTypes.get(routeType)?.receipt) ||
    elements.some(({ envelope }) => definitionOf(envelope, arrival)?.receipt)
  return { events: [...indexes.keys()], indexes, quarantined, receipts: hasReceipts ? receipts : undefined }
}

type ClassifiedElement =
  | { readonly accepted: true; readonly event: Event }
  | { readonly accepted: false; readonly event: QuarantinedEvent }

function classifyElement(element: DecodedElement, arrival: Arrival): ClassifiedElement {
  const problem = encodingProblemOf(element) ?? problemOf(element)
  const result = problem ?? tooMany(element, arrival) ?? acceptElement(element, arrival)
  if (!isRejection(result)) return { accepted: true, event: result }
  return { accepted: false, event: toQuarantinedEvent(element, result, problem ? 'text' : 'envelope', arrival) }
}

/** The definition of an envelope's type, if there is one. The type is not checked yet: it can be any JSON value. */
const definitionOf = (envelope: Envelope | undefined, { eventTypes }: Pick<Arrival, 'eventTypes'>): EventType | undefined =>
  typeof envelope?.type === 'string' ? eventTypes.get(envelope.type) : undefined

const receiptOf = ({ type, data }: Event, { eventTypes }: Arrival): unknown => eventTypes.get(type)?.receipt?.(data) ?? null

const encodingProblemOf = ({ encodingProblem }: DecodedElement): Rejection | undefined =>
  encodingProblem === undefined ? undefined : reject('malformed_json', encodingProblem)

/** Why an element cannot be an event of any type. Such an element is stored as the text that was sent. */
function problemOf({ envelope, problem }: DecodedElement): Rejection | undefined {
  const message = problem ?? (envelope && jsonProblem(envelope))
  return message === undefined ? undefined : reject('invalid_event', message)
}

/** The rights of the key come first: a replay of an event with any other code does not judge them again. */
function tooMany({ index, envelope }: DecodedElement, { sender }: Arrival): Rejection | undefined {
  if (index < MAX_EVENTS_PER_REQUEST) return undefined
  const permitted = envelope && applyRights(envelope, sender)
  return permitted && isRejection(permitted) ? permitted : reject('too_many_events')
}

/** Measures what is stored: a dialect may add to an event what its batch shares, and JSON may be sent in longer or shorter forms. */
const isTooLarge = ({ data }: Event): boolean =>
  mostStoredBytes(data) > MAX_EVENT_BYTES && Buffer.byteLength(JSON.stringify(data)) > MAX_EVENT_BYTES

function acceptElement({ envelope, text }: DecodedElement, arrival: Arrival): Event | Rejection {
  if (envelope) {
    const event = accept(envelope, arrival)
    return !isRejection(event) && isTooLarge(event) ? reject('event_too_large') : event
  }
  const value = parseShallow(text)
  return value === undefined
    ? reject('malformed_json', `The event is not valid JSON at ${describeJsonError(text)}.`)
    : reject('invalid_event', `An event must be a JSON object, not ${jsonType(value)}.`)
}

/** The text, cut to the length of a name. A surrogate pair cut in half is replaced, because stores reject it. */
const shortText = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value.slice(0, MAX_NAME_CHARACTERS).toWellFormed() : null

const toQuarantinedEvent = (
  { index, envelope, text, encodingProblem }: DecodedElement,
  { code, message }: Rejection,
  form: QuarantinedEvent['form'],
  { sender, received, eventTypes }: Arrival,
): QuarantinedEvent => ({
  code,
  message,
  type: shortText(envelope?.type),
  id: shortText(envelope?.id) ?? rowId(envelope, eventTypes),
  keyName: sender.name,
  ...(sender.id !== undefined && { keyId: sender.id }),
  ...(sender.scope === 'client' && { clientSource: sender.source }),
  received,
  position: index,
  ...(envelope && form === 'envelope' ? { form, body: JSON.stringify(envelope) } : asSent(text, encodingProblem !== undefined)),
})

/** The text as sent. Bytes that are not UTF-8 are kept in base64. */
const asSent = (text: string, isBytes: boolean): Pick<QuarantinedEvent, 'form' | 'body'> =>
  isBytes ? { form: 'base64', body: Buffer.from(text, 'latin1').toString('base64') } : { form: 'text', body: text }

function rowId(envelope: Envelope | undefined, eventTypes: Arrival['eventTypes']): string | null {
  const type = definitionOf(envelope, { eventTypes })
  return type && isObject(envelope?.data) ? shortText(envelope.data[type.idField]) : null
}
