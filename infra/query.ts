import { Aws } from 'aws-cdk-lib'
import { Construct } from 'constructs'
import { NONE } from '../shared/environment.ts'
import type { MetricName } from '../shared/metrics.ts'
import { type AlarmPlan, type Graph, type Monitored, period, productMetric } from './alarm-topic.ts'
import type { Archive } from './archive.ts'
import { failureGraph } from './graphs.ts'
import type { Jobs } from './jobs.ts'
import type { Keys } from './keys.ts'
import { LambdaFunction } from './lambda-function.ts'
import type { Quarantine } from './quarantine.ts'
import type { Reports } from './reports.ts'
import type { Search } from './search.ts'
import type { Settings } from './settings-types.ts'
import type { State } from './state.ts'
import type { EventStream } from './stream.ts'
import type { Windows } from './windows.ts'

export interface QueryProps {
  readonly keys: Keys
  readonly stream: EventStream
  readonly state: State
  readonly windows: Windows
  readonly search: Search | undefined
  readonly archive: Archive
  readonly reports: Reports
  readonly jobs: Jobs
  readonly quarantine: Quarantine
  readonly settings: Settings
}

/** The query API: reads of all stores over HTTP. */
export class Query extends Construct implements Monitored {
  readonly function: LambdaFunction<'query'>
  readonly alarms: readonly AlarmPlan[]
  readonly graphs: readonly Graph[]

  constructor(
    scope: Construct,
    { keys, stream, state, windows, search, archive, reports, jobs, quarantine, settings }: QueryProps,
  ) {
    super(scope, 'Query')
    this.function = new LambdaFunction(this, 'Function', {
      name: 'query',
      about: 'Serves reads of every store, and the console page.',
      entry: 'lambdas/query/query.lambda.ts',
      environment: {
        KEYS_TABLE: keys.table.tableName,
        KEY_USE_TABLE: keys.use.tableName,
        STREAM_NAME: stream.stream.streamName,
        STATE_TABLE: state.table.tableName,
        OPENSEARCH_URL: search?.url ?? NONE,
        RAW_EVENT_TYPES: search?.rawEvents.RAW_EVENT_TYPES ?? NONE,
        ARCHIVE_BUCKET: archive.bucket.bucketName,
        REPORTS_TABLE: reports.table.tableName,
        JOBS_TABLE: jobs.table.tableName,
        ...quarantine.environment,
        METRICS_NAMESPACE: Aws.STACK_NAME,
        DELIVERY_STREAM: archive.delivery.deliveryStreamName,
        STATE_FUNCTION: state.function.functionName,
        WINDOWS_FUNCTION: windows.function.functionName,
        DOCUMENTS_FUNCTION: search?.documents.functionName ?? NONE,
        RAW_EVENTS_FUNCTION: search?.events.functionName ?? NONE,
      },
      addFiles: 'console/build.ts',
      settings,
    })
    const count = (metric: MetricName) => productMetric('query', metric)
    this.alarms = [
      this.function.alarmOnErrors('page', 'The query function fails. Readers get 5xx; accepting events is not affected.', 3),
      {
        name: 'query-requests-failed',
        severity: 'ticket',
        about: 'The query function answers requests with 500 because of a bug. Accepting events is not affected.',
        metric: count('RequestsFailed'),
        atLeast: 1,
        periods: 1,
      },
    ]
    this.graphs = [
      { title: 'Query function: requests', unit: 'requests', metrics: [this.function.metricInvocations({ period })] },
      {
        title: 'Query function: requests rejected (4xx), failed (500) and unavailable (503)',
        unit: 'requests',
        metrics: [count('RequestsRefused'), count('RequestsFailed'), count('RequestsUnavailable')],
      },
      failureGraph('Query function: errors and throttles', [this.function]),
    ]
  }

  /** Metrics have no ARNs: CloudWatch grants all metrics of the account or none. */
  allowReadMetrics(): void {
    const reason = 'cloudwatch:GetMetricData cannot be limited to a resource.'
    this.function.allow(['cloudwatch:GetMetricData'], '*', reason)
  }
}
