import { type AsyncBuffer, parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import { formatInstant } from '../../shared/time.ts'

export type ReportRow = Readonly<Record<string, string | number | null>>

/** A row of a run: the number of its part and its place there, both from 0 on. */
export interface RowPosition {
  readonly part: number
  readonly row: number
}

/**
 * Rows from a place on, at most so many, from one part after another; `open` answers undefined beyond the last. `next` is the place
 * of the row after them, undefined at the end.
 */
export async function readRows(
  open: (part: number) => Promise<AsyncBuffer | undefined>,
  from: RowPosition,
  limit: number,
): Promise<{ rows: ReportRow[]; next: RowPosition | undefined }> {
  const rows: ReportRow[] = []
  for (let { part, row } = from; ; part++, row = 0) {
    const file = await open(part)
    if (!file) return { rows, next: undefined }
    const metadata = await parquetMetadataAsync(file)
    const all = Number(metadata.num_rows)
    const end = Math.min(row + limit - rows.length, all)
    if (row < end) {
      const read = await parquetReadObjects({ file, metadata, rowStart: row, rowEnd: end, parsers })
      rows.push(...read.map(readRow))
    }
    if (end < all) return { rows, next: { part, row: end } }
  }
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/** Times as text, instants to the microsecond; strings with all their characters. */
const parsers = {
  dateFromDays: (days: number): string => new Date(days * 86_400_000).toISOString().slice(0, 10),
  timestampFromMicroseconds: (micros: bigint): string => formatInstant(micros),
  stringFromBytes: (bytes: Uint8Array | undefined): string | undefined => bytes && utf8.decode(bytes),
}

/** Whole numbers of events are within ±(2^53 - 1), and counts are far below. */
const readRow = (row: Record<string, unknown>): ReportRow =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === 'bigint' ? Number(value) : ((value ?? null) as string | number | null),
    ]),
  )
