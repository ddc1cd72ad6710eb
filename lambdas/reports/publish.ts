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
  reportPrefix,
  type SnapshotReport,
} from '../../shared/report.ts'
import type { Workspace } from './duckdb.ts'
import type { PublicationItem, ReportsTable } from './dynamodb.ts'
import { dateOf } from './plan-run.ts'
import { expiredKeys, outdatedPublications } from './plan-sweep.ts'
import type { Archive } from './s3.ts'

const formats: Record<ReportFormat, string> = { parquet: 'application/vnd.apache.parquet', csv: 'text/csv; charset=utf-8' }
const WRITES_AT_ONCE = 16

/** Where a run reads and publishes, and where it works. */
export interface Storage {
  readonly archive: Archive
  readonly workspace: Workspace
}

/** Writes one day of one table under this run's prefixes, where nobody looks yet; returns the number of rows. */
export const uploadDay = (
  query: string,
  {
    report,
    run,
    table,
    day,
  }: { readonly report: DailyReport; readonly run: string; readonly table: ReportTable; readonly day: number },
  storage: Storage,
): Promise<number> => upload(query, format => publishedKey(report.name, run, table.by, format, dateOf(day)), storage)

/** The same for one part of what is made as of an instant. */
export const uploadPart = (
  query: string,
  { report, run, part }: { readonly report: SnapshotReport; readonly run: string; readonly part: number },
  storage: Storage,
): Promise<number> => upload(query, format => partKey(report.name, run, format, part), storage)

async function upload(query: string, keyOf: (format: ReportFormat) => string, { archive, workspace }: Storage): Promise<number> {
  let rows = 0
  for (const [format, contentType] of Object.entries(formats) as [ReportFormat, string][]) {
    const name = `published.${format}`
    rows = await workspace.write(query, name, format)
    await archive.upload(workspace.file(name), keyOf(format), contentType)
  }
  return rows
}

/** Makes days or instants show this run, each in one conditional write; days that never had rows need none. */
export async function publish(report: Report, publications: readonly PublicationItem[], table: ReportsTable): Promise<void> {
  const telling = report.kind === 'daily' ? await changedDays(report, publications, table) : publications
  await pLimit(WRITES_AT_ONCE).map(telling, publication => table.publish(report.name, publication))
}

async function changedDays(
  report: DailyReport,
  publications: readonly PublicationItem[],
  table: ReportsTable,
): Promise<readonly PublicationItem[]> {
  const before = new Set((await table.published(report.name)).map(({ period }) => period))
  return publications.filter(({ period, rows }) => before.has(period) || Object.values(rows).some(count => count > 0))
}

/** What a run answers: where its Parquet is, by table where the report has tables, and how many rows it published. */
export type RunResult = { readonly rows: number } & (
  | { readonly prefix: string }
  | { readonly prefixes: Readonly<Record<string, string>> }
)

export function runResult(report: Report, run: string, publications: readonly PublicationItem[]): RunResult {
  const rows = publications.flatMap(publication => Object.values(publication.rows)).reduce((total, count) => total + count, 0)
  if (report.kind === 'snapshot') return { prefix: partsPrefix(report.name, run, 'parquet'), rows }
  const prefixes = report.tables.map(({ by }) => [`by_${by}`, publishedPrefix(report.name, run, by, 'parquet')])
  return { prefixes: Object.fromEntries(prefixes), rows }
}

/** Withdraws old instants, then deletes what nothing shows any more, except the newest of it, which readers may still be reading. */
export async function sweep(report: Report, now: number, archive: Archive, table: ReportsTable): Promise<void> {
  const objects = await archive.list(reportPrefix(report.name))
  const old = outdatedPublications(report, await table.published(report.name), now)
  await pLimit(WRITES_AT_ONCE).map(old, publication => table.withdraw(report.name, publication))
  await archive.remove(expiredKeys(report, objects, await table.published(report.name), now))
}
