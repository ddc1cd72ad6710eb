import type { Event } from '../../shared/event.ts'
import type { EventType } from '../../shared/event-type.ts'
import { reject, rejections } from '../../shared/rejections.ts'
import { toLine } from '../../shared/stream-record.ts'
import type { ClassifiedElements, QuarantinedElement } from './classify-elements.ts'
import type { PackedRecord, RefusedRecord } from './plan-records.ts'

interface WithoutRefused {
  /** The request with the events of refused records among the quarantined ones. */
  readonly classified: ClassifiedElements
  /** Those events alone, to be added to the quarantine. */
  readonly refused: readonly QuarantinedElement[]
}

/** Moves the events of records that the stream never accepts to the quarantine. Each keeps its line, so that a replay puts it as it was. */
export function withoutRefused(
  classified: ClassifiedElements,
  records: readonly PackedRecord<Event>[],
  refusedRecords: readonly RefusedRecord[],
  eventTypes: ReadonlyMap<string, EventType>,
): WithoutRefused {
  const { events, indexes, receipts, quarantined } = classified
  const reasons = new Map(refusedRecords.map(({ record, reason }) => [record, reason]))
  const reasonOf = new Map(
    records.flatMap(record => {
      const reason = reasons.get(record)
      return reason === undefined ? [] : record.origins.map(event => [event, reason] as const)
    }),
  )
  const refused = [...reasonOf].map(([event, reason]) => quarantine(event, reason, indexes.get(event) ?? 0, eventTypes))
  const refusedIndexes = new Set(refused.map(({ index }) => index))
  return {
    classified: {
      events: events.filter(event => !reasonOf.has(event)),
      indexes,
      receipts: receipts?.map((receipt, index) => (refusedIndexes.has(index) ? null : receipt)),
      quarantined: [...quarantined, ...refused].sort((a, b) => a.index - b.index),
    },
    refused,
  }
}

const quarantine = (
  event: Event,
  reason: string,
  index: number,
  eventTypes: ReadonlyMap<string, EventType>,
): QuarantinedElement => ({
  index,
  event: {
    ...recordRejection(reason),
    type: event.type,
    id: event.id,
    subject: event.subject,
    keyName: event.source,
    received: event.received,
    position: index,
    form: 'line',
    body: toLine(event, eventTypes.get(event.type)),
  },
})

/** The rejection of an event whose record the stream refuses for this reason. */
export const recordRejection = (reason: string) =>
  reject('record_refused', `${rejections.record_refused.help} Reason: ${reason}.`)
