import type { Event } from '../event.ts'
import type { Window } from '../grain.ts'
import type { EventOf, EventTypes } from '../projection.ts'
import { floorTo, parseWindowInstant, windowInstant } from '../time.ts'

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

/** The window of an event; undefined if the projection does not fold it. Throws a RangeError if there is no such window. */
// biome-ignore lint/suspicious/noExplicitAny: called with any projection's definition
export function windowOf(projection: Windowed<any>, event: Event): Window | undefined {
  if (!projection.where(event)) return undefined
  const start = floorTo(projection.at(event), projection.window)
  if (!Number.isSafeInteger(start)) throw new RangeError('The event is in no window.')
  return { start, end: start + projection.window }
}

/** Sort key of a user's window, or partition key of the slots of a window: `window#<projection>#<instant>`. */
export const windowText = (projection: string, start: number): string => `${windowPrefix(projection)}${windowInstant(start)}`

export const windowPrefix = (projection: string): string => `window#${projection}#`

/** The inverse of `windowText`; undefined for another text. */
export function parseWindowText(text: string): { readonly projection: string; readonly start: number } | undefined {
  const [, projection, instant = ''] = /^window#([^#]+)#(.+)$/.exec(text) ?? []
  return projection === undefined ? undefined : { projection, start: parseWindowInstant(instant) ?? 0 }
}
