import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { compactDay } from '../../../lambdas/archive/compact-day.ts'
import { openWorkspace, sortingMegabytes } from '../../../lambdas/archive/duckdb.ts'
import { readManifest } from '../../../lambdas/archive/list-events.ts'
import { duckdbEngine } from '../../../lambdas/reports/duckdb-engine.ts'
import { readReportSql } from '../../../lambdas/reports/report-sql.ts'
import { runDaily } from '../../../lambdas/reports/run-daily.ts'
import { runSnapshot } from '../../../lambdas/reports/run-snapshot.ts'
import { reportsFolder } from '../../../shared/catalogue.ts'
import { runId } from '../../../shared/report.ts'
import { durationP95 } from '../../../shared/reports/duration-p95.ts'
import { enrichedActions } from '../../../shared/reports/enriched-actions.ts'
import { compactionOf } from '../../fixtures/reports/compaction.ts'
import { folderArchive } from '../../fixtures/reports/folder-archive.ts'
import { DAY_MS, START } from './generate.ts'
import type { ReportName } from './plain.ts'

const run = runId(START, '0123abcd')
/** After every generated event. */
const AT = BigInt(START + 1000 * DAY_MS) * 1000n

const sum = (counts: readonly Readonly<Record<string, number>>[]): number =>
  counts.flatMap(each => Object.values(each)).reduce((a, b) => a + b, 0)

/** Runs a report of the product over an archive in a folder. What it publishes stays below `scratch`. Returns the number of rows. */
export async function runProduct(name: ReportName, folder: string, scratch: string, memoryMegabytes: number): Promise<number> {
  const published = folderArchive(path.join(scratch, 'published'))
  const archive = { ...folderArchive(folder), upload: published.upload }
  const workspace = await openWorkspace(path.join(scratch, 'workspace'), memoryMegabytes)
  const storage = { archive, ledger: archive.ledger, workspace }
  try {
    if (name === 'enriched-actions') {
      const engine = duckdbEngine(readReportSql(reportsFolder, enrichedActions))
      return sum([(await runSnapshot({ report: enrichedActions, engine, at: AT, run }, storage)).rows])
    }
    const engine = duckdbEngine(readReportSql(reportsFolder, durationP95))
    const request = { report: durationP95, engine, period: 'every day', since: 0, near: 'all', run } as const
    const { publications } = await runDaily(request, storage)
    return sum(publications.map(({ rows }) => rows))
  } finally {
    await workspace.close()
  }
}

/** Compacts the only day of an archive in a folder. What the compaction writes stays below `scratch`. Returns the number of rows. */
export async function runCompaction(folder: string, scratch: string, functionMegabytes: number): Promise<number> {
  await mkdir(path.join(scratch, 'written'))
  const written = folderArchive(path.join(scratch, 'written'))
  const raw = folderArchive(folder)
  const dependencies = compactionOf(path.join(scratch, 'written'), () => START + 2 * DAY_MS)
  const dt = new Date(START).toISOString().slice(0, 10)
  await compactDay(dt, {
    ...dependencies,
    bucket: {
      ...written,
      list: async prefix => [...(await raw.list(prefix)), ...(await written.list(prefix))],
      download: raw.download,
    },
    rules: { ...dependencies.rules, maxBytes: Number.POSITIVE_INFINITY },
    openWorkspace: () => openWorkspace(path.join(scratch, 'workspace'), sortingMegabytes(functionMegabytes)),
  })
  const { objects, repetitions } = await readManifest(written, { dt, run: (await written.ledger.day(dt))?.run ?? '' })
  return [...objects, ...repetitions].reduce((all, { rows }) => all + rows, 0)
}
