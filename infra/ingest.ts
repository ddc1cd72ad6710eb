import { Duration } from 'aws-cdk-lib'
import { Construct } from 'constructs'
import type { MetricName } from '../shared/metrics.ts'
import { type AlarmPlan, type Graph, type Monitored, productMetric } from './alarm-topic.ts'
import { failureGraph } from './graphs.ts'
import type { Keys } from './keys.ts'
import { LambdaFunction } from './lambda-function.ts'
import type { Quarantine } from './quarantine.ts'
import type { Settings } from './settings.ts'
import type { EventStream } from './stream.ts'

export interface IngestProps {
  readonly keys: Keys
  readonly stream: EventStream
  readonly quarantine: Quarantine
  readonly settings: Settings
}

/** Requests become events in the stream, or in quarantine. */
export class Ingest extends Construct implements Monitored {
  readonly function: LambdaFunction<'ingest'>
  readonly alarms: readonly AlarmPlan[]
  readonly graphs: readonly Graph[]

  constructor(scope: Construct, { keys, stream, quarantine, settings }: IngestProps) {
    super(scope, 'Ingest')
    this.function = new LambdaFunction(this, 'Function', {
      name: 'ingest',
      about: 'Checks, conforms and packs the events of a request; answers when they are durable.',
      entry: 'lambdas/ingest/ingest.lambda.ts',
      split: true,
      environment: {
        STREAM_NAME: stream.stream.streamName,
        KEYS_TABLE: keys.table.tableName,
        KEY_RATE: String(settings.api.keyRate),
        ...quarantine.environment,
      },
      settings,
    })
    const count = (metric: MetricName) => productMetric('ingest', metric)
    this.alarms = [
      this.function.alarmOnErrors('The ingest function fails; senders get 5xx and keep their events.', 3),
      {
        name: 'quarantine-growing',
        about: 'Senders send more events than usual that do not fit their type.',
        metric: count('EventsQuarantined').with({ period: Duration.hours(1) }),
        atLeast: settings.alarms.quarantinedPerHour,
        periods: 1,
      },
    ]
    this.graphs = [
      {
        title: 'How many events come in?',
        unit: 'events',
        metrics: [count('EventsAccepted'), count('EventsQuarantined')],
      },
      {
        title: 'How many requests are turned away, or have to come again?',
        unit: 'requests',
        metrics: [count('RequestsRefused'), count('RequestsUnavailable')],
      },
      failureGraph('Does ingest fail?', [this.function]),
    ]
  }
}
