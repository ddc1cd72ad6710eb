import { Construct } from 'constructs'
import { type AlarmPlan, type Graph, type Monitored, productMetric } from './alarm-topic.ts'
import { failureGraph } from './graphs.ts'
import type { Jobs } from './jobs.ts'
import { LambdaFunction } from './lambda-function.ts'
import type { Quarantine } from './quarantine.ts'
import type { Search } from './search.ts'
import type { Settings } from './settings-types.ts'
import type { State } from './state.ts'

export interface ReindexProps {
  readonly jobs: Jobs
  readonly state: State
  readonly search: Search
  readonly quarantine: Quarantine
  readonly settings: Settings
}

/** Rebuilds documents from the state table, for `millrace reindex`. */
export class Reindex extends Construct implements Monitored {
  readonly function: LambdaFunction<'reindex'>
  readonly alarms: readonly AlarmPlan[]
  readonly graphs: readonly Graph[]

  constructor(scope: Construct, { jobs, state, search, quarantine, settings }: ReindexProps) {
    super(scope, 'Reindex')
    this.function = new LambdaFunction(this, 'Function', {
      name: 'reindex',
      about: 'Rebuilds documents from the state table, as a job.',
      entry: 'lambdas/search/reindex.lambda.ts',
      environment: {
        JOBS_TABLE: jobs.table.tableName,
        STATE_TABLE: state.table.tableName,
        OPENSEARCH_URL: search.url,
        ...quarantine.writerEnvironment,
      },
      settings,
    })
    jobs.run(this, this.function)
    this.alarms = [
      this.function.alarmOnErrors(
        'ticket',
        'A step of a reindex failed. Documents are unchanged or newer; the step is repeated for about two hours.',
        1,
      ),
    ]
    this.graphs = [
      {
        title: 'Reindex: documents written and rejected',
        unit: 'documents',
        metrics: [productMetric('reindex', 'DocumentsIndexed'), productMetric('reindex', 'DocumentsRefused')],
      },
      failureGraph('Reindex and set-up functions: errors and throttles', [this.function, search.setUp]),
    ]
  }
}
