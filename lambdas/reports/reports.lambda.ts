import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { reports, reportsFolder } from '../../shared/catalogue.ts'
import { type Environment, NONE } from '../../shared/environment.ts'
import { type Report, runId } from '../../shared/report.ts'
import { SafeError } from '../../shared/safe-error.ts'
import { databaseMegabytes, openWorkspace } from '../archive/duckdb.ts'
import { type ArchiveLedger, archiveLedger } from '../archive/dynamodb.ts'
import { type ArchiveBucket, archiveBucket } from '../archive/s3.ts'
import { scratchFolder } from '../archive/scratch.ts'
import { defineHandler, type Telemetry } from '../handler.ts'
import { athenaQueries } from './athena.ts'
import { athenaEngine } from './athena-engine.ts'
import { duckdbEngine } from './duckdb-engine.ts'
import { type ReportsTable, reportsTable } from './dynamodb.ts'
import { type NearDays, type RunRequest, readNearDays, readRequest } from './plan-run.ts'
import type { Keep } from './plan-sweep.ts'
import { publish, type RunDependencies, type RunResult, runResult } from './publish.ts'
import type { ReportEngine } from './report-engine.ts'
import { readReportSql } from './report-sql.ts'
import { runDaily, type StoredDays } from './run-daily.ts'
import { runLocked } from './run-locked.ts'
import { runSnapshot } from './run-snapshot.ts'
import { sweep } from './sweep.ts'

/** S3 may list an object late or with an earlier time. So recent objects count as new twice; reporting a day twice is harmless. */
const OVERLAP_MS = 3_600_000

const NONE_SKIPPED = { days: 0, arrivals: 0 }

interface Resources {
  readonly bucket: ArchiveBucket
  readonly ledger: ArchiveLedger
  readonly table: ReportsTable
  /** DuckDB's memory in megabytes. */
  readonly memory: number
  readonly engineOf: (report: Report) => ReportEngine
  readonly near: NearDays
  readonly keep: Keep
}

/**
 * Runs the report `{report}`. A daily report publishes the day `{date}`, every day with `{all: true}`, or by default the days
 * with new arrivals. A snapshot is published as of `{at}`. The scheduler adds `{once: true}`, because it may invoke twice.
 */
export const handler = defineHandler('reports', environment => {
  const bucket = archiveBucket(environment.ARCHIVE_BUCKET)
  const resources: Resources = {
    bucket,
    ledger: archiveLedger(environment.LEDGER_TABLE),
    table: reportsTable(environment.REPORTS_TABLE),
    memory: databaseMegabytes(Number(process.env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'] ?? 1024)),
    engineOf: enginesOf(bucket, environment),
    near: readNearDays(environment.REPORT_DAYS_BACK, environment.REPORT_DAYS_AHEAD),
    keep: { runs: Number(environment.KEPT_RUNS), days: Number(environment.KEPT_DAYS) },
  }

  return async (input: unknown, telemetry): Promise<RunResult> => {
    const started = Date.now()
    const request = readRequest(input, reports, started)
    const run = runId(started, randomBytes(4).toString('hex'))
    const { name, once, report } = request
    const { result, isNew } = await runLocked({ report: report.name, name, run, now: started, once }, resources.table, () =>
      runReport(request, { run, started }, resources, telemetry),
    )
    if (isNew) recordRun(telemetry, result, started)
    return result
  }
})

async function runReport(
  request: RunRequest,
  { run, started }: { readonly run: string; readonly started: number },
  resources: Resources,
  telemetry: Telemetry,
): Promise<RunResult> {
  const { bucket, ledger, table, memory, keep } = resources
  const { report } = request
  const workspace = await openWorkspace(await scratchFolder(tmpdir(), run, started), memory)
  try {
    const storage = { archive: bucket, ledger, workspace }
    const { publications, skipped } = await compute(request, run, resources, storage)
    await publish(report, publications, table)
    const isOfArrivals = 'period' in request && request.period === 'days with arrivals'
    if (isOfArrivals) await table.noteArrivals(report.name, started)
    if (request.once)
      telemetry.annotate('swept', { ...(await sweep(report, { now: started, keep }, { archive: bucket, table })) })
    return { ...runResult(report, run, publications), ...(isOfArrivals && { skipped }) }
  } finally {
    await workspace.close()
  }
}

async function compute(
  request: RunRequest,
  run: string,
  { table, near, engineOf }: Pick<Resources, 'table' | 'near' | 'engineOf'>,
  storage: RunDependencies,
): Promise<StoredDays> {
  const engine = engineOf(request.report)
  if ('at' in request) return { publications: [await runSnapshot({ ...request, engine, run }, storage)], skipped: NONE_SKIPPED }
  const since = ((await table.arrivalsUntil(request.report.name)) ?? 0) - OVERLAP_MS
  return runDaily({ ...request, engine, since, near, run }, storage)
}

/** Reads the SQL of every report for the engine of the stage, so that a missing file fails the start of the function. */
function enginesOf(bucket: ArchiveBucket, environment: Environment<'reports'>): (report: Report) => ReportEngine {
  const { ATHENA_WORKGROUP: workgroup, ARCHIVE_DATABASE: database, ARCHIVE_BUCKET: name } = environment
  const athena = workgroup === NONE ? undefined : athenaQueries({ workgroup, name, bucket })
  const engineOf = (report: Report): ReportEngine =>
    athena
      ? athenaEngine(readReportSql(reportsFolder, report, 'athena'), athena, database)
      : duckdbEngine(readReportSql(reportsFolder, report))
  const engines = new Map(reports.map(report => [report.name, engineOf(report)]))
  return ({ name }) => {
    const engine = engines.get(name)
    if (engine) return engine
    throw new SafeError(`The report ${name} has no SQL.`)
  }
}

function recordRun(telemetry: Telemetry, { rows, skipped }: RunResult, started: number): void {
  if (skipped) telemetry.annotate('skipped', { ...skipped })
  telemetry.count('ReportRows', rows)
  telemetry.count('ReportSeconds', (Date.now() - started) / 1000)
}
