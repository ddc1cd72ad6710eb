import { type AsyncBuffer, parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import type { ReportRow } from '../../shared/report.ts'
import { formatInstant } from '../../shared/time.ts'
import { rowsThatFit } from '../response-size.ts'

/** The position of a row in a run: the number of its part and its number in that part, both counted from 0. */
export interface RowPosition {
  readonly part: number
  readonly row: number
}

/**
 * Reads at most `limit` rows from a position on, across parts, and no more than fit into a response. `open` returns undefined after the last part. `next` is the
 * position of the row that follows, undefined at the end.
 */
export async function readRows(
  open: (part: number) => Promise<AsyncBuffer | undefined>,
  from: RowPosition,
  limit: number,
): Promise<{ rows: ReportRow[]; next: RowPosition | undefined }> {
  let rows: ReportRow[] = []
  for (let { part, row } = from; ; part++, row = 0) {
    const file = await open(part)
    if (!file) return { rows, next: undefined }
    const metadata = await parquetMetadataAsync(file)
    const rowsInPart = Number(metadata.num_rows)
    const end = Math.min(row + limit - rows.length, rowsInPart)
    if (row < end) {
      const objects = await parquetReadObjects({ file, metadata, rowStart: row, rowEnd: end, parsers })
      const wanted = [...rows, ...objects.map(toReportRow)]
      const before = rows.length
      rows = rowsThatFit(wanted)
      if (rows.length < wanted.length) return { rows, next: { part, row: row + rows.length - before } }
    }
    if (end < rowsInPart) return { rows, next: { part, row: end } }
  }
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/** Days and instants become text, instants to the microsecond. Strings keep a leading byte order mark. */
const parsers = {
  dateFromDays: (days: number): string => new Date(days * 86_400_000).toISOString().slice(0, 10),
  timestampFromMicroseconds: (micros: bigint): string => formatInstant(micros),
  stringFromBytes: (bytes: Uint8Array | undefined): string | undefined => bytes && utf8.decode(bytes),
}

/** A bigint fits a number: integers of events are within ±(2^53 - 1), and counts are far smaller. */
const toReportRow = (row: Record<string, unknown>): ReportRow =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === 'bigint' ? Number(value) : ((value ?? null) as string | number | null),
    ]),
  )
