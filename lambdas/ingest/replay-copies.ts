import type { Event } from '../../shared/event.ts'
import { MAX_EVENTS_PER_REQUEST } from '../../shared/limits.ts'
import type { StoredQuarantinedEvent } from '../../shared/quarantine.ts'

/** The lines that a call may still put. Each event gets one, even without room. */
export interface LineRoom {
  readonly lines: number
  readonly bytes: number
}

/** A shard takes 1 MB a second, and all copies of an event go to the same shard: they must be put before the deadline of a put. */
export const ROOM_PER_CALL: LineRoom = { lines: MAX_EVENTS_PER_REQUEST, bytes: 2 * 2 ** 20 }

export const roomAfter = ({ lines, bytes }: LineRoom, put: readonly string[]): LineRoom => ({
  lines: lines - put.length,
  bytes: bytes - put.reduce((sum, line) => sum + Buffer.byteLength(line), 0),
})

/** Of hexadecimal digits in the id of an event without an id. */
const ITEM_DIGITS = 8

/**
 * The id of an event without an id, so that a second replay is recognised as a duplicate. An equal event that is rejected after the
 * item was replayed has another id: it is in another item.
 */
export const idOf = ({ key, first }: Pick<StoredQuarantinedEvent, 'key' | 'first'>): string =>
  first === undefined ? key : `${key}-${first.slice(0, ITEM_DIGITS)}`

/** The copies of an event that a replay puts now. */
export interface Copies {
  readonly first: Event
  readonly lines: readonly string[]
  /** How many occurrences of the event are in the stream when they are put. */
  readonly upTo: number
}

/**
 * Equal events without an id are one item with a count: each gets its own id, derived from the item. The ids of the first events
 * do not depend on the count, so that a repeated replay is recognised although the count has grown since. Those that an earlier
 * replay put are left out, and those that have no room are left to the next one.
 */
export function copiesOf(
  event: Event,
  stored: StoredQuarantinedEvent,
  lineOf: (event: Event) => string,
  room: LineRoom = ROOM_PER_CALL,
): Copies {
  const { count, replayed = 0 } = stored
  const id = idOf(stored)
  if (event.id !== id) return { first: event, lines: [lineOf(event)], upTo: count }
  const copyOf = (n: number): Event => (n === 1 ? event : { ...event, id: `${id}#${n}` })
  const first = copyOf(replayed + 1)
  const lines = [lineOf(first)]
  let bytes = Buffer.byteLength(lines[0] ?? '')
  while (replayed + lines.length < count && lines.length < room.lines) {
    const line = lineOf(copyOf(replayed + lines.length + 1))
    bytes += Buffer.byteLength(line)
    if (bytes > room.bytes) break
    lines.push(line)
  }
  return { first, lines, upTo: replayed + lines.length }
}
