import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { NONE } from '../../shared/environment.ts'
import { runId } from '../../shared/report.ts'
import { defineHandler } from '../handler.ts'
import { jobHandler } from '../jobs/job-handler.ts'
import { compactJob } from './compact-job.ts'
import { openWorkspace, sortingMegabytes } from './duckdb.ts'
import { archiveLedger } from './dynamodb.ts'
import { gluePartitions } from './glue.ts'
import { DAY_MS } from './plan-compaction.ts'
import { archiveBucket } from './s3.ts'
import { scratchFolder } from './scratch.ts'

const HOUR_MS = 3_600_000
/** The disk holds the objects of a day, DuckDB's copy of them while it sorts, and the new objects. */
const DISK_PER_BYTE = 4

/** Runs the jobs that compact the archive. */
export const handler = defineHandler('compact', environment => {
  const memory = sortingMegabytes(Number(process.env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'] ?? 1024))
  const newRun = () => runId(Date.now(), randomBytes(4).toString('hex'))
  const dependencies = {
    bucket: archiveBucket(environment.ARCHIVE_BUCKET),
    ledger: archiveLedger(environment.LEDGER_TABLE),
    partitions: gluePartitions(environment.ARCHIVE_DATABASE, environment.ARCHIVE_BUCKET),
    newRun,
    openWorkspace: async () => openWorkspace(await scratchFolder(tmpdir(), newRun(), Date.now()), memory),
    now: Date.now,
    rules: {
      settledAfter: Number(environment.RETENTION_HOURS) * HOUR_MS + DAY_MS,
      keepRaw: Number(environment.RAW_DAYS) * DAY_MS,
      keepDays: environment.COMPACTED_DAYS === NONE ? undefined : Number(environment.COMPACTED_DAYS) * DAY_MS,
      maxBytes: (Number(environment.SCRATCH_MEBIBYTES) * 2 ** 20) / DISK_PER_BYTE,
    },
  }
  return jobHandler(environment.JOBS_TABLE, () => compactJob(dependencies))
})
