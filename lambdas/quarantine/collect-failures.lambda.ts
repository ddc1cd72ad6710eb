import { ARCHIVE_ERROR_PREFIX } from '../../shared/archive.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import { DISCARDED_PREFIX, REFUSED_PREFIX } from '../../shared/quarantine.ts'
import { SafeError } from '../../shared/safe-error.ts'
import { handler as wrap } from '../handler.ts'
import { EVENTS_A_CALL, type QuarantinedEvent, quarantine } from './dynamodb.ts'
import { fromDeliveryErrors, fromDiscarded, fromRefused, type Meaning } from './plan-failures.ts'
import { failedObjects } from './s3.ts'

/** When a run begins no further object, the next one goes on; an object takes half a minute at most. */
const PATIENCE_MS = 10 * 60_000

/**
 * Takes the failures that AWS leaves as objects, and what requests with very many refused events left, into the quarantine's
 * table. An object goes once all of it is kept; one that is taken in twice changes nothing but counts.
 */
export const handler = wrap('collect-failures', environment => {
  const aside = quarantine(environment.QUARANTINE_TABLE, environment.QUARANTINE_BUCKET)
  const meaning: Meaning = {
    eventTypes: new Map(eventTypes.map(type => [type.name, type])),
    rawEventsFunction: environment.RAW_EVENTS_FUNCTION,
    documentsFunction: environment.DOCUMENTS_FUNCTION,
  }
  const own = failedObjects(environment.QUARANTINE_BUCKET)
  const places = [
    { objects: own, prefix: REFUSED_PREFIX, read: fromRefused },
    { objects: own, prefix: DISCARDED_PREFIX, read: (text: string) => fromDiscarded(text, meaning) },
    {
      objects: failedObjects(environment.ARCHIVE_BUCKET),
      prefix: ARCHIVE_ERROR_PREFIX,
      read: (text: string) => fromDeliveryErrors(text, meaning),
    },
  ]
  return async (_input: unknown, told): Promise<{ collected: number }> => {
    const until = Date.now() + PATIENCE_MS
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
          if (prefix !== REFUSED_PREFIX) for (const { code } of events) told.count('FailuresCollected', 1, code)
        }
      }
    }
    // They stay where they are: nothing may be thrown away that nobody understood.
    if (strange.length > 0)
      throw new SafeError(`${strange.length} objects hold no failure that is known, the first is ${strange[0]}.`)
    return { collected }
  }

  async function keepAll(events: readonly QuarantinedEvent[]): Promise<void> {
    for (let at = 0; at < events.length; at += EVENTS_A_CALL) await aside.keep(events.slice(at, at + EVENTS_A_CALL))
  }
})

function readOrUndefined(text: string, read: (text: string) => QuarantinedEvent[]): QuarantinedEvent[] | undefined {
  try {
    return read(text)
  } catch {
    return undefined
  }
}
