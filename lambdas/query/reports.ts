import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { isRejection, type Rejection, reject } from '../../shared/rejections.ts'
import { isRunId, publishedKey, type Report, type ReportTable } from '../../shared/report.ts'
import { dayMillis } from '../../shared/time.ts'
import type { ReportsTable } from '../reports/dynamodb.ts'
import type { Archive } from '../reports/s3.ts'
import { invalid, type Parameters, readCursor, readLimit, writeCursor } from './parameters.ts'
import type { Page } from './projections.ts'

export type ReportRow = Readonly<Record<string, string | number | null>>

/** What a query for a report asks for. `from` is where its cursor left off: the run whose rows are being paged, and the row. */
export interface ReportQuery {
  readonly table: ReportTable
  readonly limit: number
  /** `YYYY-MM-DD`; undefined: the newest published day. */
  readonly date: string | undefined
  readonly from: { readonly run: string; readonly date: string; readonly row: number } | undefined
}

export function planReport(report: Report, parameters: Parameters): ReportQuery | Rejection {
  const { date, at, by } = parameters
  if (at !== undefined) return invalid('at', `does not apply: ${report.name} is published by day; use date=YYYY-MM-DD.`)
  if (date !== undefined && !isDay(date)) return invalid('date', 'must be a day, such as 2026-01-31.')
  const table = by === undefined ? report.tables[0] : report.tables.find(known => known.by === by)
  if (!table) return invalid('by', `must be one of: ${report.tables.map(known => known.by).join(', ')}.`)
  const limit = readLimit(parameters)
  if (typeof limit !== 'number') return limit
  const position = readCursor(parameters, ['string', 'string', 'number'])
  if (position && !Array.isArray(position)) return position
  const from = position && { run: String(position[0]), date: String(position[1]), row: Number(position[2]) }
  if (
    from &&
    !(
      isRunId(from.run) &&
      isDay(from.date) &&
      from.date === (date ?? from.date) &&
      Number.isSafeInteger(from.row) &&
      from.row > 0
    )
  )
    return invalid('cursor', 'must be the cursor of an answer to the same query.')
  return { table, limit, date, from }
}

function isDay(text: string): boolean {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? []
  return Number(year) > 0 && dayMillis(Number(year), Number(month), Number(day)) !== undefined
}

interface Stores {
  readonly table: Pick<ReportsTable, 'newest' | 'publicationOf'>
  readonly bucket: Pick<Archive, 'read'>
}

/** Rows of a published report; none where the day was not published or has none. Throws when a store does not answer. */
export async function readReport(
  name: string,
  parameters: Parameters,
  { table, bucket }: Stores,
  reports: readonly Report[],
): Promise<Page<ReportRow> | Rejection> {
  const report = reports.find(known => known.name === name)
  if (!report) return reject('not_found', 'There is no report of that name.')
  const query = planReport(report, parameters)
  if (isRejection(query)) return query
  const shown = query.from ?? (await publishedRun(report.name, query.date, table))
  if (!shown) return { data: [], cursor: null }
  const file = await bucket.read(publishedKey(report.name, shown.run, query.table.by, 'parquet', shown.date))
  // A cursor's run may be long replaced and gone.
  if (!file) return query.from ? invalid('cursor', 'is too old; ask again without it.') : { data: [], cursor: null }
  return pageOf(file, shown, query.limit)
}

async function publishedRun(report: string, date: string | undefined, table: Stores['table']) {
  const publication = await (date === undefined ? table.newest(report) : table.publicationOf(report, date))
  return publication && { run: publication.run, date: publication.date, row: 0 }
}

async function pageOf(
  file: ArrayBuffer,
  { run, date, row }: NonNullable<ReportQuery['from']>,
  limit: number,
): Promise<Page<ReportRow>> {
  const metadata = parquetMetadata(file)
  const all = Number(metadata.num_rows)
  const end = Math.min(row + limit, all)
  const rows =
    row < end ? await parquetReadObjects({ file, metadata, rowStart: row, rowEnd: end, parsers: { dateFromDays: dateText } }) : []
  return { data: rows.map(readRow), cursor: end < all ? writeCursor([run, date, end]) : null }
}

const dateText = (days: number): string => new Date(days * 86_400_000).toISOString().slice(0, 10)

/** Counts are far below 2^53. */
const readRow = (row: Record<string, unknown>): ReportRow =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === 'bigint' ? Number(value) : (value as string | number | null),
    ]),
  )
