import pLimit from 'p-limit'
import {
  type DailyReport,
  partKey,
  partsPrefix,
  publishedKey,
  publishedPrefix,
  type Report,
  type ReportFormat,
  type ReportTable,
  type SnapshotReport,
} from '../../shared/report.ts'
import type { Workspace } from '../archive/duckdb.ts'
import type { ArchiveLedger } from '../archive/dynamodb.ts'
import type { ArchiveBucket } from '../archive/s3.ts'
import type { PublicationItem, ReportsTable } from './dynamodb.ts'
import { dateOf, type SkippedDays } from './plan-run.ts'
import { publishedQuery } from './published-query.ts'
import type { ResultTable } from './report-sql.ts'
import { spreadsheetQuery } from './spreadsheet-sql.ts'

const contentTypes: Record<ReportFormat, string> = { parquet: 'application/vnd.apache.parquet', csv: 'text/csv; charset=utf-8' }
const CONCURRENT_WRITES = 16

/** The archive that a run reads from and publishes to, and its local workspace. */
export interface RunDependencies {
  readonly archive: ArchiveBucket
  readonly ledger: Pick<ArchiveLedger, 'days'>
  readonly workspace: Workspace
}

/** Computes the rows of a result into the table `published`, in their order. Returns the number of rows. */
export async function materialise(
  result: string,
  table: ResultTable,
  workspace: Workspace,
  parameters: Readonly<Record<string, number | bigint>> = {},
): Promise<number> {
  await workspace.run(`CREATE OR REPLACE TEMP TABLE published AS ${publishedQuery(result, table)}`, parameters)
  const [counted] = await workspace.run('SELECT count(*) AS rows FROM published')
  return Number(counted?.['rows'])
}

interface DayOfTable {
  readonly report: DailyReport
  readonly run: string
  readonly table: ReportTable
  /** Days since 1970. */
  readonly day: number
}

/** Uploads the materialised rows as one day of one table, under the run's prefixes. It is not published yet. Returns their number. */
export const uploadDay = ({ report, run, table, day }: DayOfTable, storage: RunDependencies): Promise<number> =>
  upload(
    report,
    `FROM published WHERE date = DATE '1970-01-01' + ${day} ORDER BY rowid`,
    format => publishedKey(report.name, run, table.by, format, dateOf(day)),
    storage,
  )

interface PartOfSnapshot {
  readonly report: SnapshotReport
  readonly run: string
  readonly part: number
}

/** Uploads one part of the materialised rows, under the run's prefixes. It is not published yet. Returns the number of rows. */
export function uploadPart({ report, run, part }: PartOfSnapshot, storage: RunDependencies): Promise<number> {
  const [first, end] = [part * report.rowsPerPart, (part + 1) * report.rowsPerPart]
  // Row ids follow the order in which the rows were inserted.
  const rows = `FROM published WHERE rowid >= ${first} AND rowid < ${end} ORDER BY rowid`
  return upload(report, rows, format => partKey(report.name, run, format, part), storage)
}

async function upload(
  { rawCsv }: Report,
  query: string,
  keyOf: (format: ReportFormat) => string,
  { archive, workspace }: RunDependencies,
): Promise<number> {
  const columns = await workspace.columns('FROM published')
  let rows = 0
  for (const [format, contentType] of Object.entries(contentTypes) as [ReportFormat, string][]) {
    const name = `published.${format}`
    const isForPeople = format === 'csv' && !rawCsv
    rows = await workspace.write(isForPeople ? spreadsheetQuery(query, columns) : query, name, format)
    await archive.upload(workspace.file(name), keyOf(format), contentType)
  }
  return rows
}

type Publications = Pick<ReportsTable, 'publish' | 'published'>

/** Publishes the days or the instant of a run, each with one conditional write. A day that never had rows is skipped. */
export async function publish(report: Report, publications: readonly PublicationItem[], table: Publications): Promise<void> {
  const changed = report.kind === 'daily' ? await changedDays(report, publications, table) : publications
  await pLimit(CONCURRENT_WRITES).map(changed, publication => table.publish(report.name, publication))
}

async function changedDays(
  report: DailyReport,
  publications: readonly PublicationItem[],
  table: Publications,
): Promise<readonly PublicationItem[]> {
  const publishedDays = new Set((await table.published(report.name)).map(({ period }) => period))
  return publications.filter(({ period, rows }) => publishedDays.has(period) || Object.values(rows).some(count => count > 0))
}

/**
 * The result of a run: the prefix of its Parquet objects, by table for a daily report, and the number of published rows. Of a scheduled
 * run of a daily report also which days it skipped.
 */
export type RunResult = { readonly rows: number; readonly skipped?: SkippedDays } & (
  | { readonly prefix: string }
  | { readonly prefixes: Readonly<Record<string, string>> }
)

export function runResult(report: Report, run: string, publications: readonly PublicationItem[]): RunResult {
  const rows = publications.flatMap(publication => Object.values(publication.rows)).reduce((total, count) => total + count, 0)
  if (report.kind === 'snapshot') return { prefix: partsPrefix(report.name, run, 'parquet'), rows }
  const prefixes = report.tables.map(({ by }) => [`by_${by}`, publishedPrefix(report.name, run, by, 'parquet')])
  return { prefixes: Object.fromEntries(prefixes), rows }
}
