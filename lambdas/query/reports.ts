import type { Page } from '../../shared/http.ts'
import { isRejection, type Rejection, reject } from '../../shared/rejections.ts'
import {
  type DailyReport,
  isRunId,
  type Publication,
  partKey,
  publishedKey,
  type Report,
  type ReportRow,
  type SnapshotReport,
} from '../../shared/report.ts'
import { formatInstant, parseDay, parseInstant } from '../../shared/time.ts'
import type { ArchiveBucket } from '../archive/s3.ts'
import type { ReportsTable } from '../reports/dynamodb.ts'
import {
  invalidCursor,
  invalidParameter,
  type PagedQuery,
  type QueryParameters,
  readCursor,
  readInstant,
  readLimit,
  writeCursor,
} from './parameters.ts'
import { type RowPosition, readRows } from './report-rows.ts'

interface ReportQuery {
  readonly limit: number
  /** A day or an instant, as in the publication. Undefined: the newest that is not of the future. */
  readonly period: string | undefined
  /** The position in the cursor: the run whose rows are being paged, and the next row. */
  readonly from: (Publication & RowPosition) | undefined
  /** The table that is read, which its cursors belong to. */
  readonly table: PagedQuery
  /** The key of one part of a run, in the order of the rows. Undefined after the last part, where the number of parts is known. */
  readonly keyOf: (publication: Publication, part: number) => string | undefined
}

function planReport(report: Report, parameters: QueryParameters): ReportQuery | Rejection {
  const selection = report.kind === 'daily' ? planDay(report, parameters) : planInstant(report, parameters)
  if (isRejection(selection)) return selection
  const limit = readLimit(parameters)
  if (typeof limit !== 'number') return limit
  const from = readFrom(parameters, selection)
  if (from && isRejection(from)) return from
  return { ...selection, limit, from }
}

type Selection = Pick<ReportQuery, 'period' | 'keyOf' | 'table'>

function planDay(report: DailyReport, { date, at, by }: QueryParameters): Selection | Rejection {
  if (at !== undefined) return invalidParameter('at', `does not apply: ${report.name} is published by day; use date=YYYY-MM-DD.`)
  if (date !== undefined && parseDay(date) === undefined) return invalidParameter('date', 'must be a day, such as 2026-01-31.')
  const table = by === undefined ? report.tables[0] : report.tables.find(known => known.by === by)
  if (!table) return invalidParameter('by', `must be one of: ${report.tables.map(known => known.by).join(', ')}.`)
  const keyOf: Selection['keyOf'] = ({ period, run }, part) =>
    part === 0 ? publishedKey(report.name, run, table.by, 'parquet', period) : undefined
  return { period: date, keyOf, table: ['reports', report.name, table.by] }
}

function planInstant(report: SnapshotReport, { date, at, by }: QueryParameters): Selection | Rejection {
  if (date !== undefined)
    return invalidParameter('date', `does not apply: ${report.name} is published as of an instant; use at=INSTANT.`)
  if (by !== undefined) return invalidParameter('by', `does not apply: ${report.name} has one table.`)
  const instant = at === undefined ? undefined : readInstant(at)
  if (at !== undefined && instant === undefined) return invalidParameter('at', 'must be RFC 3339, such as 2026-01-31T12:00:00Z.')
  const period = instant === undefined ? undefined : formatInstant(instant)
  return { period, keyOf: ({ run }, part) => partKey(report.name, run, 'parquet', part), table: ['reports', report.name] }
}

/** Object keys are built from the cursor, so everything in it must be something that a run publishes. */
function readFrom(parameters: QueryParameters, { period, table }: Selection): ReportQuery['from'] | Rejection {
  const position = readCursor(parameters, ['string', 'string', 'number', 'number'], table)
  if (!Array.isArray(position)) return position
  const from = { period: String(position[0]), run: String(position[1]), part: Number(position[2]), row: Number(position[3]) }
  const isPublishable = isRunId(from.run) && isPeriod(from.period) && isCount(from.part) && isCount(from.row)
  return isPublishable && from.period === (period ?? from.period) ? from : invalidCursor()
}

const isPeriod = (text: string): boolean => parseDay(text) !== undefined || parseInstant(text) !== undefined
const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0

interface ReportStores {
  readonly table: Pick<ReportsTable, 'newest' | 'publicationOf'>
  readonly bucket: Pick<ArchiveBucket, 'open'>
}

/**
 * Reads one page of a published report. The page is empty when the day or instant was not published or has no rows. Throws when
 * a store does not respond.
 */
export async function readReport(
  name: string,
  parameters: QueryParameters,
  { table, bucket }: ReportStores,
  reports: readonly Report[],
  now: number,
): Promise<Page<ReportRow> | Rejection> {
  const report = reports.find(known => known.name === name)
  if (!report) return reject('not_found', 'No report has this name.')
  const query = planReport(report, parameters)
  if (isRejection(query)) return query
  const publication =
    query.from ?? (await (query.period === undefined ? table.newest(report, now) : table.publicationOf(name, query.period)))
  if (!publication) return { data: [], cursor: null }
  return readPublication(publication, query, bucket)
}

/**
 * Up to when (milliseconds since 1970) all daily reports have reported arrivals; undefined before the first run of one. Reads the
 * table even without a daily report.
 */
export async function reportedUntil(
  table: Pick<ReportsTable, 'arrivalsUntil'>,
  reports: readonly Report[],
): Promise<number | undefined> {
  const daily = reports.flatMap(({ kind, name }) => (kind === 'daily' ? [name] : []))
  const times = await Promise.all((daily.length > 0 ? daily : ['']).map(name => table.arrivalsUntil(name)))
  return times.some(time => time === undefined) ? undefined : Math.min(...times.map(Number))
}

async function readPublication(
  { period, run }: Publication,
  query: ReportQuery,
  bucket: ReportStores['bucket'],
): Promise<Page<ReportRow> | Rejection> {
  const open = async (part: number) => {
    const key = query.keyOf({ period, run }, part)
    return key === undefined ? undefined : bucket.open(key)
  }
  const { rows, next } = await readRows(open, query.from ?? { part: 0, row: 0 }, query.limit)
  // A newer run may have replaced the cursor's run, and the sweep may have deleted its objects.
  if (query.from && rows.length === 0) return invalidParameter('cursor', 'has expired; send the query without it.')
  return { data: rows, cursor: next ? writeCursor([period, run, next.part, next.row], query.table) : null }
}
