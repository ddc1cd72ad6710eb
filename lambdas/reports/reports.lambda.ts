import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { reports } from '../../shared/catalogue.ts'
import { runId } from '../../shared/report.ts'
import { type Told, handler as wrap } from '../handler.ts'
import { openWorkspace } from './duckdb.ts'
import { type ReportsTable, reportsTable } from './dynamodb.ts'
import { databaseMegabytes, type Request, readRequest } from './plan-run.ts'
import { type Answer, answerOf, publish, sweep } from './publish.ts'
import { runDurationP95 } from './run-duration-p95.ts'
import { type Archive, archive } from './s3.ts'
import { scratchFolder } from './scratch.ts'

/** Objects that S3 or its clock showed late are taken for new once more; reporting a day again changes nothing. */
const OVERLAP_MS = 3_600_000

interface Stores {
  readonly bucket: Archive
  readonly table: ReportsTable
  readonly memory: number
}

/** Runs a report: the scheduler's call takes the days with new arrivals, `{date}` one day, `{all: true}` every day. */
export const handler = wrap('reports', environment => {
  const stores: Stores = {
    bucket: archive(environment.ARCHIVE_BUCKET),
    table: reportsTable(environment.REPORTS_TABLE),
    memory: databaseMegabytes(Number(process.env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'] ?? 1024)),
  }

  return async (input: unknown, told): Promise<Answer> => {
    const started = Date.now()
    const request = readRequest(input, reports, started)
    const run = runId(started, randomBytes(4).toString('hex'))
    const lock = await stores.table.lock(request.report.name, request.name, run, started)
    if (lock.state === 'done') return lock.answer as Answer
    if (lock.state === 'held')
      throw new Error(
        `This report is being made by another run; try again after ${new Date(lock.until).toISOString()} at the latest.`,
      )
    let answer: Answer | undefined
    try {
      answer = await make(request, run, started, stores)
    } finally {
      if (answer && request.once) await stores.table.finish(request.report.name, request.name, run, answer)
      else await stores.table.release(request.report.name, request.name, run)
    }
    tell(told, answer, started)
    return answer
  }
})

async function make(
  { report, period }: Request,
  run: string,
  started: number,
  { bucket, table, memory }: Stores,
): Promise<Answer> {
  const since = ((await table.arrivalsUntil(report.name)) ?? 0) - OVERLAP_MS
  const workspace = await openWorkspace(await scratchFolder(tmpdir(), run, started), memory)
  try {
    const publications = await runDurationP95({ period, since, run }, { archive: bucket, workspace })
    await publish(report, publications, table)
    if (period === 'days with arrivals') {
      await table.noteArrivals(report.name, started)
      await sweep(report, started, bucket, table)
    }
    return answerOf(report, run, publications)
  } finally {
    await workspace.close()
  }
}

function tell(told: Told, { rows }: Answer, started: number): void {
  told.count('ReportRows', rows)
  told.count('ReportSeconds', (Date.now() - started) / 1000)
}
