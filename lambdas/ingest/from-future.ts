import { eventTypes } from '../../shared/catalogue.ts'
import type { Event } from '../../shared/event.ts'
import { lastPresent } from '../../shared/time.ts'

const catalogue = new Map(eventTypes.map(type => [type.name, type]))

/** Whether the time of an event, or the time in the fields of its row, is more than 24 hours after its arrival. */
export function isFromFuture({ type, time, received, data }: Event): boolean {
  const timeInRow = catalogue.get(type)?.time(data) ?? time
  const last = lastPresent(received)
  return time > last || timeInRow > last
}
