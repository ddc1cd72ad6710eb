import type { Event } from '../event.ts'
import type { Window } from '../grain.ts'
import type { EventOf, EventTypes } from '../projection.ts'
import { SafeError } from '../safe-error.ts'
import { EARLIEST, floorTo, LATEST, parseWindowInstant, wholeSeconds, windowInstant } from '../time.ts'

/** What a projection with windows defines about them. */
export interface Windowed<Types extends EventTypes> {
  /** Length of a window in seconds. Windows are half-open, [start, start + length), and aligned to 1970. */
  readonly window: number
  /** The time that decides the window of an event: epoch seconds with decimals. */
  at(event: EventOf<Types>): number
  /** Whether to fold the event. */
  where(event: EventOf<Types>): boolean
}

/** A window length of one minute, in seconds. */
export const MINUTE_SECONDS = 60

const FIRST_START = wholeSeconds(EARLIEST)
const LAST_END = wholeSeconds(LATEST) + 1

/** The window of an event; undefined if the projection does not fold it. Throws a SafeError if keys cannot contain its start. */
// biome-ignore lint/suspicious/noExplicitAny: called with any projection's definition
export function windowOf(projection: Windowed<any>, event: Event): Window | undefined {
  if (!projection.where(event)) return undefined
  const start = floorTo(projection.at(event), projection.window)
  const end = start + projection.window
  if (!Number.isInteger(start) || start < FIRST_START || end > LAST_END)
    throw new SafeError('The window of the event is not in the years 0001 to 9999.')
  return { start, end }
}

/** Sort key of a user's window, or partition key of the slots of a window: `window#<projection>#<instant>`. */
export const windowText = (projection: string, start: number): string => `${windowPrefix(projection)}${windowInstant(start)}`

export const windowPrefix = (projection: string): string => `window#${projection}#`

/** The inverse of `windowText`; undefined for another text. Throws a SafeError if the start cannot be read. */
export function parseWindowText(text: string): { readonly projection: string; readonly start: number } | undefined {
  const [, projection, instant = ''] = /^window#([^#]+)#(.+)$/.exec(text) ?? []
  return projection === undefined ? undefined : { projection, start: parseStart(instant) }
}

/** The start of a window in a key, in epoch seconds. Throws a SafeError for text that `windowInstant` does not write. */
export function parseStart(instant: string): number {
  const start = parseWindowInstant(instant)
  if (start === undefined) throw new SafeError('The start of a window in a key of the state table cannot be read.')
  return start
}
