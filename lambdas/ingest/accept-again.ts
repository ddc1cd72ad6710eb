import { type Arrival, accept } from '../../shared/acceptance.ts'
import type { Envelope } from '../../shared/envelope.ts'
import type { Event } from '../../shared/event.ts'
import { parseExact } from '../../shared/exact-json.ts'
import { isObject } from '../../shared/json.ts'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import { isRejection, type Rejection } from '../../shared/rejections.ts'
import { formatInstant, millisToMicros } from '../../shared/time.ts'

/** The body of an accepted event that a store missed. */
interface AcceptedEnvelope extends Envelope {
  /** Null: the sender stated none. */
  readonly stated?: number | null
}

/**
 * Whether ingest had accepted the event. Only the product writes the subject of a quarantined event. Its code does not tell: ingest
 * rejects with some of the same codes, and a replay may have changed it. Its body does not tell: a client may send any member.
 */
export const wasAccepted = ({ subject }: Pick<QuarantinedEvent, 'subject'>): boolean => subject !== undefined

/**
 * Validates an accepted event with the current catalogue. The limits of a request do not apply to it again. It keeps the time that
 * its sender stated: the time of its envelope may be a corrected one.
 */
export function acceptAgain(body: string, arrival: Arrival): Event | Rejection {
  const envelope = parseExact(body) as AcceptedEnvelope
  const sent = asSent(envelope, arrival)
  const event = accept(sent, arrival)
  if (isRejection(event)) return event
  const timed = sent.time === undefined ? event : withStated(event, envelope)
  // The archive has the event by its id and its user already.
  return timed.subject === envelope.subject ? { ...timed, id: envelope.id as string } : timed
}

/**
 * The envelope without what its type decides. The type may be new in the catalogue or have another definition since ingest accepted
 * the event: then the user, the time and the id are those that the type has for the row, as when its client sends it again.
 */
function asSent(envelope: AcceptedEnvelope, { eventTypes, received }: Arrival): Envelope {
  const { stated, time, id, subject, ...rest } = envelope
  const isOfArrival = stated === null && time === formatInstant(millisToMicros(received))
  const type = eventTypes.get(String(envelope.type))
  const hasRowId = type && isObject(envelope.data) && envelope.data[type.idField] != null
  return { ...rest, ...(!isOfArrival && { time }), ...(!hasRowId && { id }), ...(!type && { subject }) }
}

function withStated(event: Event, { stated }: AcceptedEnvelope): Event {
  if (stated === undefined) return event
  const { stated: _, ...rest } = event
  return stated === null ? rest : { ...rest, stated }
}
