import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { reports } from '../../shared/catalogue.ts'
import { runId } from '../../shared/report.ts'
import { durationP95 } from '../../shared/reports/duration-p95.ts'
import { enrichedActions } from '../../shared/reports/enriched-actions.ts'
import { SafeError } from '../../shared/safe-error.ts'
import { defineHandler, type Telemetry } from '../handler.ts'
import { openWorkspace } from './duckdb.ts'
import { type PublicationItem, type ReportsTable, reportsTable } from './dynamodb.ts'
import { databaseMegabytes, type RunRequest, readRequest } from './plan-run.ts'
import { publish, type RunDependencies, type RunResult, runResult, sweep } from './publish.ts'
import { runDurationP95 } from './run-duration-p95.ts'
import { runEnrichedActions } from './run-enriched-actions.ts'
import { type ArchiveBucket, archiveBucket } from './s3.ts'
import { scratchFolder } from './scratch.ts'

/** S3 may list an object late or with an earlier time. So recent objects count as new twice; reporting a day twice is harmless. */
const OVERLAP_MS = 3_600_000

interface Stores {
  readonly bucket: ArchiveBucket
  readonly table: ReportsTable
  /** DuckDB's memory in megabytes. */
  readonly memory: number
}

/**
 * Runs the report `{report}`. A daily report publishes the day `{date}`, every day with `{all: true}`, or by default the days
 * with new arrivals. A snapshot is published as of `{at}`. The scheduler adds `{once: true}`, because it may invoke twice.
 */
export const handler = defineHandler('reports', environment => {
  const stores: Stores = {
    bucket: archiveBucket(environment.ARCHIVE_BUCKET),
    table: reportsTable(environment.REPORTS_TABLE),
    memory: databaseMegabytes(Number(process.env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'] ?? 1024)),
  }

  return async (input: unknown, telemetry): Promise<RunResult> => {
    const started = Date.now()
    const request = readRequest(input, reports, started)
    const run = runId(started, randomBytes(4).toString('hex'))
    const lock = await stores.table.lock(request.report.name, request.name, run, started, request.once)
    if (lock.state === 'done') return lock.result as RunResult
    if (lock.state === 'held')
      throw new SafeError(
        `Another run of this report is active. Try again when it has ended, at the latest after ${new Date(lock.until).toISOString()}.`,
      )
    let result: RunResult | undefined
    try {
      result = await runReport(request, run, started, stores)
    } finally {
      if (result) await stores.table.finish(request.report.name, request.name, run, result)
      else await stores.table.release(request.report.name, request.name, run)
    }
    recordRun(telemetry, result, started)
    return result
  }
})

async function runReport(
  request: RunRequest,
  run: string,
  started: number,
  { bucket, table, memory }: Stores,
): Promise<RunResult> {
  const { report } = request
  const workspace = await openWorkspace(await scratchFolder(tmpdir(), run, started), memory)
  try {
    const publications = await compute(request, run, table, { archive: bucket, workspace })
    await publish(report, publications, table)
    if ('period' in request && request.period === 'days with arrivals') await table.noteArrivals(report.name, started)
    if (request.once) await sweep(report, started, bucket, table)
    return runResult(report, run, publications)
  } finally {
    await workspace.close()
  }
}

/** The functions that compute the reports, by the report's name. */
const dailyRuns: Readonly<Record<string, typeof runDurationP95>> = { [durationP95.name]: runDurationP95 }
const snapshotRuns: Readonly<Record<string, typeof runEnrichedActions>> = { [enrichedActions.name]: runEnrichedActions }

async function compute(
  request: RunRequest,
  run: string,
  table: ReportsTable,
  storage: RunDependencies,
): Promise<PublicationItem[]> {
  const { name } = request.report
  const [computeDays, computeSnapshot] = [dailyRuns[name], snapshotRuns[name]]
  if ('period' in request && computeDays) {
    const since = ((await table.arrivalsUntil(name)) ?? 0) - OVERLAP_MS
    return computeDays({ period: request.period, since, run }, storage)
  }
  if ('at' in request && computeSnapshot) return [await computeSnapshot({ at: request.at, run }, storage)]
  throw new SafeError(`No function computes ${name}; add it to lambdas/reports/reports.lambda.ts.`)
}

function recordRun(telemetry: Telemetry, { rows }: RunResult, started: number): void {
  telemetry.count('ReportRows', rows)
  telemetry.count('ReportSeconds', (Date.now() - started) / 1000)
}
