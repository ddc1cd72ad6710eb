import pLimit from 'p-limit'
import {
  publishedKey,
  publishedPrefix,
  type Report,
  type ReportFormat,
  type ReportTable,
  reportPrefix,
} from '../../shared/report.ts'
import type { Workspace } from './duckdb.ts'
import type { Publication, ReportsTable } from './dynamodb.ts'
import { dateOf } from './plan-run.ts'
import { expired } from './plan-sweep.ts'
import type { Archive } from './s3.ts'

const formats: Record<ReportFormat, string> = { parquet: 'application/vnd.apache.parquet', csv: 'text/csv; charset=utf-8' }
const WRITES_AT_ONCE = 16

/** Writes one day of one table under this run's prefixes, where nobody looks yet; returns the number of rows. */
export async function uploadDay(
  query: string,
  at: { readonly report: Report; readonly run: string; readonly table: ReportTable; readonly day: number },
  { archive, workspace }: { readonly archive: Archive; readonly workspace: Workspace },
): Promise<number> {
  const { report, run, table, day } = at
  let rows = 0
  for (const [format, contentType] of Object.entries(formats) as [ReportFormat, string][]) {
    const name = `published.${format}`
    rows = await workspace.write(query, name, format)
    await archive.upload(workspace.file(name), publishedKey(report.name, run, table.by, format, dateOf(day)), contentType)
  }
  return rows
}

/** Makes the days show this run, each in one conditional write; days that never had rows need none. */
export async function publish(report: Report, publications: readonly Publication[], table: ReportsTable): Promise<void> {
  const before = new Set((await table.published(report.name)).map(({ date }) => date))
  const telling = publications.filter(({ date, rows }) => before.has(date) || Object.values(rows).some(count => count > 0))
  await pLimit(WRITES_AT_ONCE).map(telling, publication => table.publish(report.name, publication))
}

/** What a run answers: where its Parquet is, by table, and how many rows it published. */
export interface Answer {
  readonly prefixes: Readonly<Record<string, string>>
  readonly rows: number
}

export const answerOf = (report: Report, run: string, publications: readonly Publication[]): Answer => ({
  prefixes: Object.fromEntries(report.tables.map(({ by }) => [`by_${by}`, publishedPrefix(report.name, run, by, 'parquet')])),
  rows: publications.flatMap(({ rows }) => Object.values(rows)).reduce((total, rows) => total + rows, 0),
})

/** Deletes what no day shows any more, except the newest of it, which readers may still be reading. */
export async function sweep(report: Report, now: number, archive: Archive, table: ReportsTable): Promise<void> {
  const objects = await archive.list(reportPrefix(report.name))
  await archive.remove(expired(report, objects, await table.published(report.name), now))
}
