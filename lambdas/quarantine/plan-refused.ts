import { formatBytes, formatCount, MAX_ITEMS_PER_REQUEST, MAX_QUARANTINED_BYTES } from '../../shared/limits.ts'
import { countDistinct, encodingOf, type QuarantinedEvent, quarantineKey, withoutKeys } from '../../shared/quarantine.ts'
import { type Bundle, bundleOf } from './bundle.ts'

export interface RefusedPlan {
  /** Events that become an item each. */
  readonly alone: readonly QuarantinedEvent[]
  readonly bundle: Bundle | undefined
}

/** How the rejected events of one request are stored: a few as items, more as one bundle. Of a large event the beginning is kept. */
export function planRefused(events: readonly QuarantinedEvent[]): RefusedPlan {
  const kept = countDistinct(events.map(withoutKeys)).map(keepBeginning)
  return kept.length > MAX_ITEMS_PER_REQUEST ? { alone: [], bundle: bundleOf(kept) } : { alone: kept, bundle: undefined }
}

/** A line of the stream is an accepted event, which must not lose anything. */
function keepBeginning(event: QuarantinedEvent): QuarantinedEvent {
  if (event.form === 'line') return event
  const encoding = encodingOf(event)
  const size = Buffer.byteLength(event.body, encoding)
  if (size <= MAX_QUARANTINED_BYTES) return event
  const bytes = Buffer.from(event.body, encoding)
  const end = encoding === 'utf8' ? lastWholeCharacter(bytes, MAX_QUARANTINED_BYTES) : MAX_QUARANTINED_BYTES
  const note = `Only the first ${formatBytes(MAX_QUARANTINED_BYTES)} of its ${formatCount(size)} bytes are kept.`
  return {
    ...event,
    message: `${event.message} ${note}`,
    body: bytes.subarray(0, end).toString(encoding),
    size,
    wholeKey: quarantineKey(event),
  }
}

/** The last end of a character of UTF-8 at or before `end`. */
function lastWholeCharacter(bytes: Uint8Array, end: number): number {
  let at = end
  while (at > 0 && ((bytes[at] ?? 0) & 0xc0) === 0x80) at -= 1
  return at
}
