import type { _Record as KinesisRecord } from '@aws-sdk/client-kinesis'
import { eventTypes, projections } from '../../shared/catalogue.ts'
import { ERASURE_TYPE, type Event, identityText } from '../../shared/event.ts'
import { folds, projectionKey } from '../../shared/projection.ts'
import { type RawEventSettings, rawDocumentOf } from '../../shared/raw-events.ts'
import { isStoredRow } from '../../shared/stored-event.ts'
import { fromLines } from '../../shared/stream-record.ts'
import { type Delivery, type Identity, refText, type StreamFacts, type StreamRecord } from './facts.ts'

const catalogue = new Map(eventTypes.map(type => [type.name, type]))
const DAY_MS = 86_400_000

/** Collects the content of a stream, record by record. */
export function streamCollector(rawEvents: RawEventSettings) {
  const deliveries = new Map<Identity, Delivery>()
  const recordsOf = new Map<string, StreamRecord[]>()
  const facts: StreamFacts = { deliveries, recordsOf }
  return {
    facts,
    add(shard: string, { SequenceNumber: sequenceNumber = '', PartitionKey: partitionKey, Data }: KinesisRecord): void {
      const events = eventsOf(Buffer.from(Data ?? []).toString())
      const first = events.filter(event => !deliveries.has(identityText(event)))
      for (const event of first) {
        const identity = identityText(event)
        const raw = expectedRawDocument(event, rawEvents)
        deliveries.set(identity, { identity, user: event.subject, shard, sequenceNumber, raw })
      }
      const [{ subject: user, received } = { subject: null, received: 0 }] = events.filter(({ type }) => isFolded(type))
      // The state function quarantines the events of such a record.
      if (user === null || partitionKey !== user) return
      const records = recordsOf.get(user) ?? []
      records.push({ shard, sequenceNumber, projections: projectionsOf(events), received, windows: windowsOf(user, first) })
      recordsOf.set(user, records)
    },
  }
}

/** The document of a raw event. None for an event received before the retention and replayed: its document may have expired. */
const expectedRawDocument = (event: Event, rawEvents: RawEventSettings) =>
  event.received > Date.now() - rawEvents.retentionDays * DAY_MS ? rawDocumentOf(event, rawEvents) : undefined

const isFolded = (type: string): boolean => projections.some(projection => folds(projection, type))

const projectionsOf = (events: readonly Event[]): string[] =>
  projections.filter(projection => events.some(({ type }) => folds(projection, type))).map(projectionKey)

/** The events of a record. Lines that are not events are skipped: the state function quarantines them. */
const eventsOf = (text: string): Event[] => fromLines(text, catalogue).events.filter(({ type }) => type !== ERASURE_TYPE)

/** The identities of one user's events, grouped by the windows that the events are folded into. Events that the state function quarantines are in none. */
function windowsOf(user: string, events: readonly Event[]): Map<string, Identity[]> {
  const windows = new Map<string, Identity[]>()
  for (const event of events) {
    const type = catalogue.get(event.type)
    if (event.subject !== user || (type && !isStoredRow(event, type))) continue
    for (const projection of projections) {
      const target = folds(projection, event.type) ? projection.grain.target(projection, event) : undefined
      if (target === undefined || target === 'user state') continue
      const window = refText({ user, projection: projectionKey(projection), start: target.start })
      const identities = windows.get(window) ?? []
      identities.push(identityText(event))
      windows.set(window, identities)
    }
  }
  return windows
}
