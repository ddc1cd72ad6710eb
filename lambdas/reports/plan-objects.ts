import type { FileMetaData } from 'hyparquet'
import { ARCHIVE_PREFIX } from '../../shared/archive-columns.ts'

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
export type ColumnRange = { readonly least: number; readonly greatest: number } | 'none' | 'unknown'

/** What the footer of one object tells without reading it. */
export interface Footer {
  readonly columns: ReadonlySet<string>
  /** By the names of the columns that were asked for; whole numbers beyond 2^53 are rounded to a double. */
  readonly ranges: Readonly<Record<string, ColumnRange>>
}

export const readFooter = (metadata: FileMetaData, spans: readonly string[]): Footer => ({
  columns: new Set(metadata.schema.slice(1).map(element => element.name)),
  ranges: Object.fromEntries(spans.map(column => [column, rangeOf(metadata, column)])),
})

function rangeOf(metadata: FileMetaData, column: string): ColumnRange {
  const spans = metadata.row_groups.map(group => {
    const chunk = group.columns.find(({ meta_data }) => meta_data?.path_in_schema[0] === column)?.meta_data
    if (!chunk) return 'none'
    const { statistics } = chunk
    if (statistics?.null_count !== undefined && statistics.null_count === chunk.num_values) return 'none'
    return between(statistics?.min_value ?? statistics?.min, statistics?.max_value ?? statistics?.max)
  })
  return spans.reduce<ColumnRange>(union, 'none')
}

function between(min: unknown, max: unknown): ColumnRange {
  if (!['number', 'bigint'].includes(typeof min) || !['number', 'bigint'].includes(typeof max)) return 'unknown'
  const [least, greatest] = [Number(min), Number(max)]
  return least <= greatest ? { least, greatest } : 'unknown'
}

function union(a: ColumnRange, b: ColumnRange): ColumnRange {
  if (a === 'none') return b
  if (b === 'none') return a
  if (a === 'unknown' || b === 'unknown') return 'unknown'
  return { least: Math.min(a.least, b.least), greatest: Math.max(a.greatest, b.greatest) }
}

const SECONDS_A_DAY = 86_400

/** Whether an object may hold a time (epoch seconds) of one of these days (days since 1970, ascending) in a column. */
export function mayHoldDay({ ranges }: Footer, column: string, days: readonly number[]): boolean {
  const span = ranges[column] ?? 'unknown'
  if (span === 'none') return false
  if (span === 'unknown') return days.length > 0
  const first = Math.floor(span.least / SECONDS_A_DAY)
  const last = Math.floor(span.greatest / SECONDS_A_DAY)
  return days.some(day => day >= first && day <= last)
}

/**
 * Whether an object may hold an earlier arrival of an event that arrived at `lastReceived` (microseconds since 1970) or before;
 * every event that is sought has a value in `column`.
 */
export const mayHoldEarlier = ({ ranges }: Footer, column: string, lastReceived: bigint): boolean =>
  ranges[column] !== 'none' && mayStartBy(ranges['received_time_us'], lastReceived)

/** Whether an object may hold an event before an instant (microseconds since 1970); every event that is sought has a value in `column`. */
export const mayHoldBefore = ({ ranges }: Footer, column: string, at: bigint): boolean =>
  ranges[column] !== 'none' && mayStartBy(ranges['event_time_us'], at)

/** Rounding keeps the order, but may make two values equal: the end counts. */
const mayStartBy = (span: ColumnRange = 'unknown', last: bigint): boolean =>
  span !== 'none' && (span === 'unknown' || span.least <= Number(last))
