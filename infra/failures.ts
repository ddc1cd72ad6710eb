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
import type { Settings } from './settings.ts'

export interface FailuresProps {
  readonly archive: Archive
  readonly quarantine: Quarantine
  readonly search: Search | undefined
  readonly settings: Settings
}

/** How long a failure may lie in a bucket before it stands in the quarantine. */
const INTERVAL = Duration.minutes(5)

/** What Lambda and Firehose give up is taken into the quarantine, where it is listed and replayed as everything else. */
export class Failures extends Construct implements Monitored {
  readonly function: LambdaFunction<'collect-failures'>
  readonly alarms: readonly AlarmPlan[]
  readonly graphs: readonly Graph[]

  constructor(scope: Construct, { archive, quarantine, search, settings }: FailuresProps) {
    super(scope, 'Failures')
    this.function = new LambdaFunction(this, 'Function', {
      name: 'collect-failures',
      about: 'Takes batches that Lambda discarded and records that Firehose could not convert into the quarantine.',
      entry: 'lambdas/quarantine/collect-failures.lambda.ts',
      environment: {
        ...quarantine.environment,
        ARCHIVE_BUCKET: archive.bucket.bucketName,
        RAW_EVENTS_FUNCTION: search?.events.functionName ?? NONE,
        DOCUMENTS_FUNCTION: search?.documents.functionName ?? NONE,
      },
      settings,
    })
    every(this, 'Collect', this.function, INTERVAL)
    const collected = productMetric('collect-failures', 'FailuresCollected')
    this.alarms = [
      {
        name: 'failures-collected',
        about: 'Events missed a store: a stream let go of them, or Firehose could not convert them.',
        metric: collected,
        atLeast: 1,
        periods: 1,
      },
      this.function.alarmOnErrors('Failures cannot be taken into the quarantine; they stay in their bucket.', 3),
    ]
    this.graphs = [
      { title: 'How many events missed a store?', unit: 'events', metrics: [collected] },
      failureGraph('Does taking them into the quarantine fail?', [this.function]),
    ]
  }
}
