import { AttributeType } from 'aws-cdk-lib/aws-dynamodb'
import { ContextAttribute } from 'aws-cdk-lib/aws-scheduler'
import { Construct } from 'constructs'
import { ALL, NONE } from '../shared/environment.ts'
import type { Report } from '../shared/report.ts'
import { type AlarmPlan, type Graph, type Monitored, productMetric } from './alarm-topic.ts'
import type { Archive } from './archive.ts'
import type { Athena } from './athena.ts'
import { failureGraph } from './graphs.ts'
import { LambdaFunction } from './lambda-function.ts'
import { daily, everyHours } from './schedule.ts'
import type { Settings } from './settings-types.ts'
import { DataTable } from './stores.ts'

export interface ReportsProps {
  readonly archive: Archive
  /** The reports that run on a schedule. */
  readonly reports: readonly Report[]
  /** The engine of the reports, if it is Athena. */
  readonly athena: Athena | undefined
  readonly settings: Settings
}

/** Scheduled queries over the archive. The table holds their locks and the names of their published objects. */
export class Reports extends Construct implements Monitored {
  readonly table: DataTable
  readonly function: LambdaFunction<'reports'>
  readonly alarms: readonly AlarmPlan[]
  readonly graphs: readonly Graph[]

  constructor(scope: Construct, { archive, reports, athena, settings }: ReportsProps) {
    super(scope, 'Reports')
    this.table = new DataTable(this, settings, {
      partitionKey: { name: 'report', type: AttributeType.STRING },
      sortKey: { name: 'run', type: AttributeType.STRING },
    })
    this.function = new LambdaFunction(this, 'Function', {
      name: 'reports',
      about: 'Runs a report over the archive and publishes it.',
      entry: 'lambdas/reports/reports.lambda.ts',
      environment: {
        ARCHIVE_BUCKET: archive.bucket.bucketName,
        LEDGER_TABLE: archive.ledger.tableName,
        ARCHIVE_DATABASE: archive.table.databaseName,
        ATHENA_WORKGROUP: athena?.workgroup ?? NONE,
        REPORTS_TABLE: this.table.tableName,
        ...limitsOf(settings.reports),
      },
      nativePackages: ['@duckdb/node-api'],
      addFiles: 'infra/copy-report-sql.ts',
      scratch: settings.reports.scratch,
      settings,
    })
    for (const report of reports) this.schedule(report, settings.reports.hour)
    this.alarms = [this.function.alarmOnErrors('ticket', 'A report run failed. Readers still get the last published report.', 1)]
    this.graphs = [
      { title: 'Reports: rows published', unit: 'rows', metrics: [productMetric('reports', 'ReportRows')] },
      { title: 'Reports: duration of the longest run', unit: 'seconds', metrics: [productMetric('reports', 'ReportSeconds')] },
      failureGraph('Reports function: errors and throttles', [this.function]),
    ]
  }

  /** Runs a report on its schedule: a daily report at this hour (UTC). */
  private schedule(report: Report, hour: number): void {
    const id = idOf(report.name)
    const input = { report: report.name, at: ContextAttribute.scheduledTime, once: true }
    if (report.kind === 'daily') daily(this, `Daily${id}`, { function: this.function, hour, input })
    else everyHours(this, `Regular${id}`, { function: this.function, hours: report.everyHours, input })
  }

  allowRun(reports: LambdaFunction): void {
    const actions = ['GetItem', 'PutItem', 'DeleteItem', 'Query'].map(action => `dynamodb:${action}`)
    reports.allow(actions, this.table.tableArn)
  }

  allowRead(query: LambdaFunction): void {
    query.allow(['dynamodb:GetItem', 'dynamodb:Query'], this.table.tableArn)
  }
}

const limitsOf = ({ days, keep }: Settings['reports']) => ({
  REPORT_DAYS_BACK: days === 'all' ? ALL : String(days.back),
  REPORT_DAYS_AHEAD: days === 'all' ? ALL : String(days.ahead),
  KEPT_RUNS: String(keep.runs),
  KEPT_DAYS: String(keep.days),
})

/** `DurationP95` for `duration-p95`. A part of logical ids: a changed id makes CloudFormation replace the schedule. */
const idOf = (name: string): string =>
  name
    .split('-')
    .map(word => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
