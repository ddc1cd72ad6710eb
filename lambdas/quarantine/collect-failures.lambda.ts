import { ARCHIVE_ERROR_PREFIX } from '../../shared/archive-columns.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import { DISCARDED_PREFIX, type QuarantinedEvent, REFUSED_PREFIX } from '../../shared/quarantine.ts'
import { SafeError } from '../../shared/safe-error.ts'
import { defineHandler } from '../handler.ts'
import { MAX_EVENTS_PER_CALL, quarantineStore } from './dynamodb.ts'
import { type FailureContext, fromDeliveryErrors, fromDiscarded, fromRefused } from './plan-failures.ts'
import { failureBucket } from './s3.ts'

/** When a run begins no further object, the next one goes on; an object takes half a minute at most. */
const DEADLINE_MS = 10 * 60_000

/**
 * Takes the failures that AWS leaves as objects, and what requests with very many refused events left, into the quarantine's
 * table. An object goes once all of it is kept; one that is taken in twice changes nothing but counts.
 */
export const handler = defineHandler('collect-failures', environment => {
  const quarantine = quarantineStore(environment.QUARANTINE_TABLE, environment.QUARANTINE_BUCKET)
  const meaning: FailureContext = {
    eventTypes: new Map(eventTypes.map(type => [type.name, type])),
    rawEventsFunction: environment.RAW_EVENTS_FUNCTION,
    documentsFunction: environment.DOCUMENTS_FUNCTION,
  }
  const own = failureBucket(environment.QUARANTINE_BUCKET)
  const places = [
    { objects: own, prefix: REFUSED_PREFIX, read: fromRefused },
    { objects: own, prefix: DISCARDED_PREFIX, read: (text: string) => fromDiscarded(text, meaning) },
    {
      objects: failureBucket(environment.ARCHIVE_BUCKET),
      prefix: ARCHIVE_ERROR_PREFIX,
      read: (text: string) => fromDeliveryErrors(text, meaning),
    },
  ]
  return async (_input: unknown, telemetry): Promise<{ collected: number }> => {
    const until = Date.now() + DEADLINE_MS
    const strange: string[] = []
    let collected = 0
    for (const { objects, prefix, read } of places) {
      for await (const key of objects.list(prefix)) {
        if (Date.now() > until) break
        const events = readOrUndefined(await objects.readText(key), read)
        if (!events) strange.push(key)
        else {
          await keepAll(events)
          await objects.remove(key)
          collected += events.length
          // Refused events were counted by ingest, and missed no store.
          if (prefix !== REFUSED_PREFIX) for (const { code } of events) telemetry.count('FailuresCollected', 1, code)
        }
      }
    }
    // They stay where they are: nothing may be thrown away that nobody understood.
    if (strange.length > 0)
      throw new SafeError(`${strange.length} objects hold no failure that is known, the first is ${strange[0]}.`)
    return { collected }
  }

  async function keepAll(events: readonly QuarantinedEvent[]): Promise<void> {
    for (let at = 0; at < events.length; at += MAX_EVENTS_PER_CALL)
      await quarantine.add(events.slice(at, at + MAX_EVENTS_PER_CALL))
  }
})

function readOrUndefined(text: string, read: (text: string) => QuarantinedEvent[]): QuarantinedEvent[] | undefined {
  try {
    return read(text)
  } catch {
    return undefined
  }
}
