import { isRejection, type Rejection, reject } from '../../shared/rejections.ts'
import {
  type DailyReport,
  isRunId,
  type Publication,
  partKey,
  publishedKey,
  type Report,
  type SnapshotReport,
} from '../../shared/report.ts'
import { dayMillis, formatInstant, parseInstant } from '../../shared/time.ts'
import type { ReportsTable } from '../reports/dynamodb.ts'
import type { Archive } from '../reports/s3.ts'
import { invalidParameter, type Parameters, readCursor, readLimit, writeCursor } from './parameters.ts'
import { type ReportRow, type RowPosition, readRows } from './report-rows.ts'
import type { Page } from './response.ts'

/** What a query for a report asks for. */
export interface ReportQuery {
  readonly limit: number
  /** A day or an instant as it is published under; undefined: the newest. */
  readonly period: string | undefined
  /** Where its cursor left off: the run whose rows are being paged, and the place in them. */
  readonly from: (Publication & RowPosition) | undefined
  /** The keys of a run's objects in the order of their rows; undefined beyond the last of those that are known beforehand. */
  readonly keyOf: (shown: Publication, part: number) => string | undefined
}

export function planReport(report: Report, parameters: Parameters): ReportQuery | Rejection {
  const asked = report.kind === 'daily' ? planDay(report, parameters) : planInstant(report, parameters)
  if (isRejection(asked)) return asked
  const limit = readLimit(parameters)
  if (typeof limit !== 'number') return limit
  const from = readFrom(parameters, asked.period)
  if (from && isRejection(from)) return from
  return { ...asked, limit, from }
}

type RequestedPeriod = Pick<ReportQuery, 'period' | 'keyOf'>

function planDay(report: DailyReport, { date, at, by }: Parameters): RequestedPeriod | Rejection {
  if (at !== undefined) return invalidParameter('at', `does not apply: ${report.name} is published by day; use date=YYYY-MM-DD.`)
  if (date !== undefined && !isDay(date)) return invalidParameter('date', 'must be a day, such as 2026-01-31.')
  const table = by === undefined ? report.tables[0] : report.tables.find(known => known.by === by)
  if (!table) return invalidParameter('by', `must be one of: ${report.tables.map(known => known.by).join(', ')}.`)
  const keyOf: RequestedPeriod['keyOf'] = ({ period, run }, part) =>
    part === 0 ? publishedKey(report.name, run, table.by, 'parquet', period) : undefined
  return { period: date, keyOf }
}

function planInstant(report: SnapshotReport, { date, at, by }: Parameters): RequestedPeriod | Rejection {
  if (date !== undefined)
    return invalidParameter('date', `does not apply: ${report.name} is made as of an instant; use at=INSTANT.`)
  if (by !== undefined) return invalidParameter('by', `does not apply: ${report.name} has one table.`)
  const instant = at === undefined ? undefined : parseInstant(at)
  if (at !== undefined && instant === undefined) return invalidParameter('at', 'must be RFC 3339, such as 2026-01-31T12:00:00Z.')
  const period = instant === undefined ? undefined : formatInstant(instant)
  return { period, keyOf: ({ run }, part) => partKey(report.name, run, 'parquet', part) }
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0

function readFrom(parameters: Parameters, period: string | undefined): ReportQuery['from'] | Rejection {
  const position = readCursor(parameters, ['string', 'string', 'number', 'number'])
  if (!Array.isArray(position)) return position
  const from = { period: String(position[0]), run: String(position[1]), part: Number(position[2]), row: Number(position[3]) }
  // Only what we publish under can become part of a key.
  const fits =
    isRunId(from.run) &&
    (isDay(from.period) || parseInstant(from.period) !== undefined) &&
    from.period === (period ?? from.period)
  return fits && isCount(from.part) && isCount(from.row)
    ? from
    : invalidParameter('cursor', 'must be the cursor of an answer to the same query.')
}

function isDay(text: string): boolean {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? []
  return Number(year) > 0 && dayMillis(Number(year), Number(month), Number(day)) !== undefined
}

interface ReportStores {
  readonly table: Pick<ReportsTable, 'newest' | 'publicationOf'>
  readonly bucket: Pick<Archive, 'open'>
}

/** Rows of a published report; none where the day or instant was not published or has none. Throws when a store does not answer. */
export async function readReport(
  name: string,
  parameters: Parameters,
  { table, bucket }: ReportStores,
  reports: readonly Report[],
): Promise<Page<ReportRow> | Rejection> {
  const report = reports.find(known => known.name === name)
  if (!report) return reject('not_found', 'There is no report of that name.')
  const query = planReport(report, parameters)
  if (isRejection(query)) return query
  const published =
    query.from ?? (await (query.period === undefined ? table.newest(report) : table.publicationOf(name, query.period)))
  if (!published) return { data: [], cursor: null }
  const { period, run } = published
  const open = async (part: number) => {
    const key = query.keyOf({ period, run }, part)
    return key === undefined ? undefined : bucket.open(key)
  }
  const { rows, next } = await readRows(open, query.from ?? { part: 0, row: 0 }, query.limit)
  // A cursor's run may be long replaced and gone.
  if (query.from && rows.length === 0) return invalidParameter('cursor', 'is too old; ask again without it.')
  return { data: rows, cursor: next ? writeCursor([period, run, next.part, next.row]) : null }
}
