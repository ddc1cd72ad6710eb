import { fieldColumns } from './archive-columns.ts'
import type { Event } from './event.ts'
import type { EventType } from './event-type.ts'

/**
 * One event as the flat JSON line that travels in the stream: Firehose converts its keys to columns, the other readers
 * use `fromLine`. The two times come first, as exact digits beyond 2^53.
 */
export function toLine(event: Event, type: EventType | undefined): string {
  const { id, source, subject, time, received } = event
  const line: Record<string, unknown> = { event_id: id, event_type: event.type, source }
  if (subject !== null) line['subject'] = subject
  if (type) {
    const rest = { ...(event.data as Record<string, unknown>) }
    for (const { field, name } of fieldColumns(type)) {
      if (rest[field] !== null && rest[field] !== undefined) line[name] = rest[field]
      delete rest[field]
    }
    if (Object.keys(rest).length > 0) line['data'] = JSON.stringify(rest)
  } else if (event.data !== null) line['data'] = JSON.stringify(event.data)
  return `{"event_time_us":${time},"received_time_us":${received}000,${JSON.stringify(line).slice(1)}`
}

const LEADING_TIMES = /^\{"event_time_us":(-?\d+),"received_time_us":(\d+)000,/

/** The event of a line; a field that the catalogue got after the line was written is taken from `data`. Throws on any other text. */
export function fromLine(line: string, eventTypes: ReadonlyMap<string, EventType>): Event {
  const times = LEADING_TIMES.exec(line)
  if (!times?.[1] || !times[2]) throw new Error('A line of the stream does not begin with its two times.')
  const columns = JSON.parse(`{${line.slice(times[0].length)}`) as Record<string, unknown> &
    Record<'event_id' | 'event_type' | 'source', string>
  const rest = columns['data'] === undefined ? null : (JSON.parse(columns['data'] as string) as unknown)
  const type = eventTypes.get(columns.event_type)
  return {
    id: columns.event_id,
    source: columns.source,
    type: columns.event_type,
    subject: (columns['subject'] as string | undefined) ?? null,
    time: BigInt(times[1]),
    received: Number(times[2]),
    data: type ? rowOf(type, columns, rest as Record<string, unknown> | null) : rest,
  }
}

/** What a record of the stream holds. */
export interface DecodedLines {
  readonly events: readonly Event[]
  /** Lines that ingest never wrote. */
  readonly unrecognised: readonly string[]
}

/** A reader of the stream that lines may be meant for alone: what it missed is put again, and the others must not count it twice. */
export type LineReader = 'archive' | 'search'

const READER_MARK = /^\{"only":"(archive|search)",/

/** A line for one reader. The archive has no column for the mark and keeps every line. */
export const lineForReader = (reader: LineReader, line: string): string => `{"only":"${reader}",${line.slice(1)}`

/** A line without its mark, and whom it was for; undefined: for all. */
export function withoutReaderMark(line: string): { line: string; only: LineReader | undefined } {
  const mark = READER_MARK.exec(line)
  return mark ? { line: `{${line.slice(mark[0].length)}`, only: mark[1] as LineReader } : { line, only: undefined }
}

/** All lines of a record that are for this reader, or that are for all. */
export function fromLines(text: string, eventTypes: ReadonlyMap<string, EventType>, reader?: LineReader): DecodedLines {
  const events: Event[] = []
  const unreadable: string[] = []
  for (const line of text.split('\n')) {
    if (line === '') continue
    const plain = withoutReaderMark(line)
    if (plain.only !== undefined && plain.only !== reader) continue
    try {
      events.push(fromLine(plain.line, eventTypes))
    } catch {
      unreadable.push(line)
    }
  }
  return { events, unrecognised: unreadable }
}

function rowOf(type: EventType, columns: Record<string, unknown>, rest: Record<string, unknown> | null): Record<string, unknown> {
  const row: Record<string, unknown> = { ...rest }
  for (const { field, name } of fieldColumns(type)) row[field] = columns[name] ?? rest?.[field] ?? null
  return row
}
