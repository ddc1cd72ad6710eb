import { fieldColumns } from './archive-columns.ts'
import type { Event } from './event.ts'
import type { EventType } from './event-type.ts'
import { parseExact, toNumber } from './exact-json.ts'
import { isObject } from './json.ts'
import { MAX_DEPTH } from './limits.ts'
import { isStoredEnvelope } from './stored-event.ts'
import { wholeSeconds } from './time.ts'

/**
 * One event as a line of a stream record: flat JSON. Firehose converts its keys to columns; the other consumers use `fromLine`.
 * The two times come first, as exact digits, because JSON.parse is not exact beyond 2^53.
 */
export function toLine(event: Event, type: EventType | undefined): string {
  const { id, source, subject, time, stated, received, keyId } = event
  const line: Record<string, unknown> = { event_id: id, event_type: event.type, source }
  if (keyId !== undefined) line['key_id'] = keyId
  if (stated !== undefined) line['stated'] = stated === wholeSeconds(time) ? true : stated
  if (subject !== null) line['subject'] = subject
  if (type) {
    const row = event.data as Record<string, unknown>
    const columns = fieldColumns(type)
    for (const { field, name } of columns) if (row[field] !== null && row[field] !== undefined) line[name] = row[field]
    const rest = Object.keys(row).filter(name => !columns.some(({ field }) => field === name))
    if (rest.length > 0) line['data'] = JSON.stringify(Object.fromEntries(rest.map(name => [name, row[name]])))
  } else if (event.data !== null) line['data'] = JSON.stringify(event.data)
  return `{"event_time_us":${time},"received_time_us":${received}000,${JSON.stringify(line).slice(1)}`
}

const LEADING_TIMES = /^\{"event_time_us":(-?\d+),"received_time_us":(\d+)000,/

/**
 * The event of a line. A field that was added to the catalogue after the line was written is read from `data`. Throws if the
 * text is not a line that ingest could have written. The data of a catalogued type is not checked against the type: it may be a
 * row of another definition, or no object.
 */
export function fromLine(line: string, eventTypes: ReadonlyMap<string, EventType>): Event {
  const times = LEADING_TIMES.exec(line)
  if (!times?.[1] || !times[2]) throw new Error(`A line of the stream does not begin with its two times. ${FOREIGN}`)
  const time = BigInt(times[1])
  const columns = JSON.parse(`{${line.slice(times[0].length)}`) as Record<string, unknown> &
    Record<'event_id' | 'event_type' | 'source', string>
  const rest = columns['data'] === undefined ? null : parseExact(columns['data'] as string)
  const type = eventTypes.get(columns.event_type)
  const event: Event = {
    id: columns.event_id,
    source: columns.source,
    type: columns.event_type,
    subject: (columns['subject'] as string | undefined) ?? null,
    time,
    ...statedIn(columns['stated'], time),
    received: Number(times[2]),
    ...(columns['key_id'] !== undefined && { keyId: columns['key_id'] as string }),
    data: type && (rest === null || isObject(rest)) ? rowOf(type, columns, rest) : openData(columns, rest),
  }
  if (!isStoredEnvelope(event) || isTooDeep(event.data)) throw new Error(`A field of a line of the stream is invalid. ${FOREIGN}`)
  return event
}

const ENVELOPE_KEYS: ReadonlySet<string> = new Set(['event_id', 'event_type', 'source', 'key_id', 'stated', 'subject', 'data'])

/**
 * The data of an event that ingest accepted before its type was in the catalogue: it need not be an object. Or the data of a type
 * that only newer code knows: its columns are members beside its other fields.
 */
function openData(columns: Record<string, unknown>, rest: unknown): unknown {
  const others = Object.keys(columns).filter(name => !ENVELOPE_KEYS.has(name))
  if (others.length === 0) return rest
  if (rest !== null && !isObject(rest)) throw new Error(`The data of a row is not an object. ${FOREIGN}`)
  return { ...Object.fromEntries(others.map(name => [name, columns[name]])), ...rest }
}

/** The stated time of a line: seconds since 1970, or `true` if the event's time is the stated one. */
function statedIn(stated: unknown, time: bigint): Pick<Event, 'stated'> {
  if (stated === undefined) return {}
  return { stated: stated === true ? wholeSeconds(time) : (stated as number) }
}

/** Ingest accepts `MAX_DEPTH` levels, and a type may wrap them. Far more levels end JSON.stringify with a stack overflow. */
const MAX_STORED_DEPTH = 2 * MAX_DEPTH

/** Whether a value is nested too deeply for this product's stores. It recurses at most that deeply. */
function isTooDeep(value: unknown, depth = 1): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (depth > MAX_STORED_DEPTH) return true
  for (const name in value) if (isTooDeep((value as Record<string, unknown>)[name], depth + 1)) return true
  return false
}

const FOREIGN = 'It was not written by this product.'

/** A line of a record, at its 0-based position among the lines that are not empty. */
export interface PositionedLine {
  readonly line: string
  readonly position: number
}

/** The lines of a record that are not empty. */
export const linesOf = (text: string): PositionedLine[] =>
  text
    .split('\n')
    .filter(line => line !== '')
    .map((line, position) => ({ line, position }))

/** The content of a stream record. */
export interface DecodedLines {
  readonly events: readonly Event[]
  /** The position of the line of each event. */
  readonly positions: readonly number[]
  /** Lines that ingest did not write. */
  readonly unrecognised: readonly PositionedLine[]
}

/**
 * A consumer of the stream that a line can be addressed to. A replay of what it missed must not reach the other consumers a
 * second time.
 */
export type LineReader = 'archive' | 'search'

const READER_MARK = /^\{"only":"(archive|search)",/

/** A line for one consumer. The archive has no column for the mark, so it stores every line. */
export const lineForReader = (reader: LineReader, line: string): string => `{"only":"${reader}",${line.slice(1)}`

/** A line without its mark, and the consumer in the mark; undefined if the line is for all consumers. */
export function withoutReaderMark(line: string): { line: string; only: LineReader | undefined } {
  const mark = READER_MARK.exec(line)
  return mark ? { line: `{${line.slice(mark[0].length)}`, only: mark[1] as LineReader } : { line, only: undefined }
}

/** The events of a record's lines, except lines that are addressed to other consumers. */
export function fromLines(text: string, eventTypes: ReadonlyMap<string, EventType>, reader?: LineReader): DecodedLines {
  const events: Event[] = []
  const positions: number[] = []
  const unrecognised: PositionedLine[] = []
  for (const { line, position } of linesOf(text)) {
    const { line: unmarked, only } = withoutReaderMark(line)
    if (only !== undefined && only !== reader) continue
    try {
      events.push(fromLine(unmarked, eventTypes))
      positions.push(position)
    } catch {
      unrecognised.push({ line, position })
    }
  }
  return { events, positions, unrecognised }
}

function rowOf(type: EventType, columns: Record<string, unknown>, rest: Record<string, unknown> | null): Record<string, unknown> {
  const row: Record<string, unknown> = { ...rest }
  for (const { field, name } of fieldColumns(type)) row[field] = columns[name] ?? toNumber(rest?.[field]) ?? null
  return row
}
