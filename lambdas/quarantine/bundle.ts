import { createHash } from 'node:crypto'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import { linesOf } from '../../shared/stream-record.ts'

/** The rejected events of one request, stored as one object and one item. Equal bundles are one item with a count. */
export interface Bundle {
  readonly key: string
  /** When the server received the request: milliseconds since 1970. */
  readonly received: number
  /** How many events it contains. */
  readonly events: number
  /** A line of JSON for each event, without the time of the request. */
  readonly text: string
}

/** The bundle of these events. Its key depends on everything but the time: a request that is sent again has the same bundle. */
export function bundleOf(events: readonly QuarantinedEvent[]): Bundle {
  const received = events.reduce((first, event) => Math.min(first, event.received), Number.POSITIVE_INFINITY)
  const text = events.map(event => `${JSON.stringify(event.received === received ? withoutTime(event) : event)}\n`).join('')
  const key = createHash('sha256').update(`bundle\n${text}`).digest('hex')
  return { key, received, events: events.length, text }
}

const withoutTime = ({ received: _received, ...event }: QuarantinedEvent): Omit<QuarantinedEvent, 'received'> => event

/** The events of a bundle. */
export const eventsOf = ({ text, received }: Pick<Bundle, 'text' | 'received'>): QuarantinedEvent[] =>
  linesOf(text).map(({ line }) => ({ received, ...(JSON.parse(line) as Omit<QuarantinedEvent, 'received'>) }))
