import { Duration } from 'aws-cdk-lib'
import { Construct } from 'constructs'
import { NONE } from '../shared/environment.ts'
import { type AlarmPlan, type Graph, type Monitored, productMetric } from './alarm-topic.ts'
import type { Archive } from './archive.ts'
import { failureGraph } from './graphs.ts'
import { LambdaFunction } from './lambda-function.ts'
import type { Quarantine } from './quarantine.ts'
import { every } from './schedule.ts'
import type { Search } from './search.ts'
import type { Settings } from './settings-types.ts'
import { identityMemory, type State } from './state.ts'

export interface FailuresProps {
  readonly archive: Archive
  readonly quarantine: Quarantine
  readonly search: Search | undefined
  readonly state: State
  readonly settings: Settings
}

/** How long a failure may stay in a bucket before it is in the quarantine table. */
const COLLECT_INTERVAL = Duration.minutes(5)

/** Moves the batches that Lambda gave up and the records that Firehose could not convert into the quarantine, where they can be listed and replayed. */
export class Failures extends Construct implements Monitored {
  readonly function: LambdaFunction<'collect-failures'>
  readonly alarms: readonly AlarmPlan[]
  readonly graphs: readonly Graph[]

  constructor(scope: Construct, { archive, quarantine, search, state, settings }: FailuresProps) {
    super(scope, 'Failures')
    this.function = new LambdaFunction(this, 'Function', {
      name: 'collect-failures',
      about: 'Moves batches that Lambda gave up and records that Firehose could not convert into the quarantine.',
      entry: 'lambdas/quarantine/collect-failures.lambda.ts',
      environment: {
        ...quarantine.writerEnvironment,
        ARCHIVE_BUCKET: archive.bucket.bucketName,
        RAW_EVENTS_FUNCTION: search?.events.functionName ?? NONE,
        RAW_EVENT_TYPES: search?.rawEvents.RAW_EVENT_TYPES ?? NONE,
        DOCUMENTS_FUNCTION: search?.documents.functionName ?? NONE,
        STATE_TABLE: state.table.tableName,
        ...identityMemory(settings),
        PAGES_TABLE: state.pages.tableName,
      },
      settings,
    })
    state.allowJudge(this.function)
    every(this, 'Collect', this.function, COLLECT_INTERVAL)
    const collected = productMetric('collect-failures', 'FailuresCollected')
    this.alarms = [
      {
        name: 'failures-collected',
        severity: 'ticket',
        about:
          'Events missed a store: they were about to expire from a stream unread, or Firehose could not convert them. They are in the quarantine, and the store can be repaired from there.',
        metric: collected,
        atLeast: 1,
        periods: 1,
      },
      this.function.alarmOnErrors(
        'ticket',
        'The collect-failures function fails. Nothing is lost: failed batches and records stay in their bucket, but the quarantine does not list them.',
        3,
      ),
    ]
    this.graphs = [
      { title: 'Failures: events that missed a store', unit: 'events', metrics: [collected] },
      failureGraph('Collect-failures function: errors and throttles', [this.function]),
    ]
  }
}
