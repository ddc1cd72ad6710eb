import { Construct } from 'constructs'
import { NONE } from '../shared/environment.ts'
import type { AlarmPlan, Graph, Monitored } from './alarm-topic.ts'
import type { Archive } from './archive.ts'
import { failureGraph } from './graphs.ts'
import type { Jobs } from './jobs.ts'
import { LambdaFunction, TABLE_STREAM_RETENTION } from './lambda-function.ts'
import { daily } from './schedule.ts'
import type { Settings } from './settings-types.ts'
import { wholeDays } from './whole-number.ts'

export interface CompactionProps {
  readonly archive: Archive
  readonly jobs: Jobs
  readonly settings: Settings
}

/** A daily job that replaces the many raw objects of a closed day by few large ones, and deletes what has expired. */
export class Compaction extends Construct implements Monitored {
  readonly function: LambdaFunction<'compact'>
  readonly alarms: readonly AlarmPlan[]
  readonly graphs: readonly Graph[]

  constructor(scope: Construct, { archive, jobs, settings }: CompactionProps) {
    super(scope, 'Compaction')
    const { hour, scratch, keepRaw, keepDays } = settings.archive.compaction
    this.function = new LambdaFunction(this, 'Function', {
      name: 'compact',
      about: 'Compacts the closed days of the archive with DuckDB, as a job.',
      entry: 'lambdas/archive/compact.lambda.ts',
      environment: {
        JOBS_TABLE: jobs.table.tableName,
        ARCHIVE_BUCKET: archive.bucket.bucketName,
        LEDGER_TABLE: archive.ledger.tableName,
        ARCHIVE_DATABASE: archive.table.databaseName,
        RAW_DAYS: wholeDays('archive.compaction.keepRaw', keepRaw, { least: 1 }),
        COMPACTED_DAYS: keepDays === 'none' ? NONE : wholeDays('archive.compaction.keepDays', keepDays, { least: 1 }),
        RETENTION_HOURS: String(settings.stream.retention.toHours() + TABLE_STREAM_RETENTION.toHours()),
        SCRATCH_MEBIBYTES: String(scratch.toMebibytes()),
      },
      nativePackages: ['@duckdb/node-api'],
      scratch,
      settings,
    })
    archive.allowCompact(this.function)
    jobs.run(this, this.function)
    daily(this, 'Daily', { function: this.function, hour, input: { start: {}, scheduled: true } })
    this.alarms = [
      this.function.alarmOnErrors(
        'ticket',
        'A step of the compaction failed. No event is lost: a day that is not compacted is read from its raw objects, more slowly; after nine attempts it is skipped.',
        1,
      ),
    ]
    this.graphs = [failureGraph('Compact function: errors and throttles', [this.function])]
  }
}
