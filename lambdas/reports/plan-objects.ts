import type { FileMetaData } from 'hyparquet'
import { ARCHIVE_PREFIX } from '../../shared/archive.ts'

/** An object of the archive as a listing shows it; `modified` in milliseconds since 1970. */
export interface ArchiveObject {
  readonly key: string
  readonly size: number
  readonly modified: number
}

const ARCHIVED = new RegExp(`^${ARCHIVE_PREFIX}dt=\\d{4}-\\d\\d-\\d\\d/hour=\\d\\d/.+\\.parquet$`)

/** The objects that hold events, in the order of their keys, which begin with the time of arrival. */
export const eventObjects = (listed: readonly ArchiveObject[]): ArchiveObject[] =>
  listed.filter(({ key, size }) => size > 0 && ARCHIVED.test(key)).toSorted((a, b) => (a.key < b.key ? -1 : 1))

/** What a footer says of a column's values: between which they lie, that there are none, or nothing. */
export type Span = { readonly least: number; readonly greatest: number } | 'none' | 'unknown'

/** What the footer of one object tells without reading it. */
export interface Footer {
  readonly columns: ReadonlySet<string>
  /** Epoch seconds of its readings, by their own `timestamp`: the event time may differ from it. */
  readonly timestamps: Span
  /** Arrivals of all its events in microseconds since 1970, rounded to a double. */
  readonly received: Span
}

export const readFooter = (metadata: FileMetaData, timestampColumn: string): Footer => ({
  columns: new Set(metadata.schema.slice(1).map(element => element.name)),
  timestamps: spanOf(metadata, timestampColumn),
  received: spanOf(metadata, 'received_time_us'),
})

function spanOf(metadata: FileMetaData, column: string): Span {
  const spans = metadata.row_groups.map(group => {
    const chunk = group.columns.find(({ meta_data }) => meta_data?.path_in_schema[0] === column)?.meta_data
    if (!chunk) return 'none'
    const { statistics } = chunk
    if (statistics?.null_count !== undefined && statistics.null_count === chunk.num_values) return 'none'
    return between(statistics?.min_value ?? statistics?.min, statistics?.max_value ?? statistics?.max)
  })
  return spans.reduce<Span>(union, 'none')
}

function between(min: unknown, max: unknown): Span {
  if (!['number', 'bigint'].includes(typeof min) || !['number', 'bigint'].includes(typeof max)) return 'unknown'
  const [least, greatest] = [Number(min), Number(max)]
  return least <= greatest ? { least, greatest } : 'unknown'
}

function union(a: Span, b: Span): Span {
  if (a === 'none') return b
  if (b === 'none') return a
  if (a === 'unknown' || b === 'unknown') return 'unknown'
  return { least: Math.min(a.least, b.least), greatest: Math.max(a.greatest, b.greatest) }
}

const SECONDS_A_DAY = 86_400

/** Whether an object may hold a reading of one of these days (days since 1970, ascending). */
export function mayHoldDay({ timestamps }: Footer, days: readonly number[]): boolean {
  if (timestamps === 'none') return false
  if (timestamps === 'unknown') return days.length > 0
  const first = Math.floor(timestamps.least / SECONDS_A_DAY)
  const last = Math.floor(timestamps.greatest / SECONDS_A_DAY)
  return days.some(day => day >= first && day <= last)
}

/** Whether an object may hold an earlier arrival of an event that arrived at `received` (microseconds since 1970) or before. */
export function mayHoldEarlier({ timestamps, received }: Footer, lastReceived: bigint): boolean {
  if (timestamps === 'none' || received === 'none') return false
  return received === 'unknown' || received.least <= Number(lastReceived)
}
