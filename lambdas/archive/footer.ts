import type { FileMetaData } from 'hyparquet'

/** The range of a column's values according to a footer. `none`: all values are null. `unknown`: the footer has no statistics. */
export type ColumnRange = { readonly least: number; readonly greatest: number } | 'none' | 'unknown'

/** The parts of a Parquet footer that decide whether and how an object is read. */
export interface Footer {
  readonly columns: ReadonlySet<string>
  /** The names and types of the columns as text. */
  readonly schema: string
  /** By column name. Integers beyond 2^53 are rounded to a double. */
  readonly ranges: Readonly<Record<string, ColumnRange>>
}

export const readFooter = (metadata: FileMetaData, rangeColumns: readonly string[]): Footer => ({
  columns: new Set(metadata.schema.slice(1).map(element => element.name)),
  schema: JSON.stringify(
    metadata.schema.slice(1).map(({ name, type, logical_type, converted_type }) => [name, type, logical_type, converted_type]),
  ),
  ranges: Object.fromEntries(rangeColumns.map(column => [column, rangeOf(metadata, column)])),
})

/** The footer of a compacted object as its manifest has it: with the ranges of all columns of numbers. */
export type StoredFooter = Pick<Footer, 'schema' | 'ranges'>

export function storedFooter(metadata: FileMetaData): StoredFooter {
  const numbers = metadata.schema.filter(({ type }) => type === 'INT64' || type === 'DOUBLE').map(({ name }) => name)
  const { schema, ranges } = readFooter(metadata, numbers)
  return { schema, ranges }
}

export const fromStored = ({ schema, ranges }: StoredFooter): Footer => ({
  columns: new Set((JSON.parse(schema) as [name: string][]).map(([name]) => name)),
  schema,
  ranges,
})

function rangeOf(metadata: FileMetaData, column: string): ColumnRange {
  const ranges = metadata.row_groups.map(group => {
    const chunk = group.columns.find(({ meta_data }) => meta_data?.path_in_schema[0] === column)?.meta_data
    if (!chunk) return 'none'
    const { statistics } = chunk
    if (statistics?.null_count !== undefined && statistics.null_count === chunk.num_values) return 'none'
    return between(statistics?.min_value ?? statistics?.min, statistics?.max_value ?? statistics?.max)
  })
  return ranges.reduce<ColumnRange>(union, 'none')
}

function between(min: unknown, max: unknown): ColumnRange {
  if (!['number', 'bigint'].includes(typeof min) || !['number', 'bigint'].includes(typeof max)) return 'unknown'
  const [least, greatest] = [Number(min), Number(max)]
  // JSON has no infinite numbers.
  return least <= greatest && Number.isFinite(least) && Number.isFinite(greatest) ? { least, greatest } : 'unknown'
}

function union(a: ColumnRange, b: ColumnRange): ColumnRange {
  if (a === 'none') return b
  if (b === 'none') return a
  if (a === 'unknown' || b === 'unknown') return 'unknown'
  return { least: Math.min(a.least, b.least), greatest: Math.max(a.greatest, b.greatest) }
}

const SECONDS_PER_DAY = 86_400
const MICROS_PER_DAY = SECONDS_PER_DAY * 1e6
/** Twice the spacing of doubles at the year 9999 in microseconds. It covers the rounding of the range and of the quotient. */
const MICROS_MARGIN = 64

/**
 * Whether a column of times may hold one of these days (since 1970). `event_time_us` has microseconds since 1970, any other column
 * has seconds.
 */
export function mayHoldDay({ ranges }: Footer, column: string, days: readonly number[]): boolean {
  const range = ranges[column] ?? 'unknown'
  if (range === 'none') return false
  if (range === 'unknown') return days.length > 0
  const [perDay, margin] = column === 'event_time_us' ? [MICROS_PER_DAY, MICROS_MARGIN] : [SECONDS_PER_DAY, 0]
  const first = Math.floor((range.least - margin) / perDay)
  const last = Math.floor((range.greatest + margin) / perDay)
  return days.some(day => day >= first && day <= last)
}

/**
 * Whether an object may hold an earlier arrival of an event that arrived at `lastReceived` (microseconds since 1970) or before.
 * Every wanted event must have a value in `column`.
 */
export const mayHoldEarlier = ({ ranges }: Footer, column: string, lastReceived: bigint): boolean =>
  ranges[column] !== 'none' && mayStartBy(ranges['received_time_us'], lastReceived)

/** Whether an object may hold a later arrival of an event that arrived at `firstReceived` (microseconds since 1970) or after. */
export const mayHoldLater = ({ ranges }: Footer, column: string, firstReceived: bigint): boolean =>
  ranges[column] !== 'none' && mayEndAt(ranges['received_time_us'], firstReceived)

/**
 * Whether an object may hold an event before an instant (microseconds since 1970). Every wanted event must have a value in
 * `column`.
 */
export const mayHoldBefore = ({ ranges }: Footer, column: string, at: bigint): boolean =>
  ranges[column] !== 'none' && mayStartBy(ranges['event_time_us'], at)

/** The comparison includes the end: rounding to doubles keeps the order, but may make two values equal. */
const mayStartBy = (range: ColumnRange = 'unknown', last: bigint): boolean =>
  range !== 'none' && (range === 'unknown' || range.least <= Number(last))

const mayEndAt = (range: ColumnRange = 'unknown', first: bigint): boolean =>
  range !== 'none' && (range === 'unknown' || range.greatest >= Number(first))
