import { Duration } from 'aws-cdk-lib'
import { Construct } from 'constructs'
import type { MetricName } from '../shared/metrics.ts'
import { formatQuota } from '../shared/quota.ts'
import { type AlarmPlan, type Alarms, type Graph, type LogGraph, type Monitored, productMetric } from './alarm-topic.ts'
import { failureGraph } from './graphs.ts'
import type { Keys } from './keys.ts'
import { LambdaFunction } from './lambda-function.ts'
import type { Quarantine } from './quarantine.ts'
import type { Settings } from './settings-types.ts'
import type { EventStream } from './stream.ts'

export interface IngestProps {
  readonly keys: Keys
  readonly stream: EventStream
  readonly quarantine: Quarantine
  readonly alarms: Alarms
  readonly settings: Settings
}

/** Turns requests into events in the stream or in quarantine. */
export class Ingest extends Construct implements Monitored {
  readonly function: LambdaFunction<'ingest'>
  readonly alarms: readonly AlarmPlan[]
  readonly graphs: readonly (Graph | LogGraph)[]

  constructor(scope: Construct, { keys, stream, quarantine, alarms, settings }: IngestProps) {
    super(scope, 'Ingest')
    this.function = new LambdaFunction(this, 'Function', {
      name: 'ingest',
      about: 'Validates, conforms and packs the events of a request, and responds when they are durable.',
      entry: 'lambdas/ingest/ingest.lambda.ts',
      environment: {
        STREAM_NAME: stream.stream.streamName,
        KEYS_TABLE: keys.table.tableName,
        KEY_USE_TABLE: keys.use.tableName,
        KEY_RATE: keyRateOf(settings.api),
        CLIENT_QUOTA: formatQuota(settings.api.quotas.client),
        WRITE_QUOTA: formatQuota(settings.api.quotas.write),
        SIGNED_TRAITS: settings.api.signedTraits,
        ALARM_TOPIC: alarms.topic.topicArn,
        ...quarantine.writerEnvironment,
      },
      settings,
    })
    this.function.allow(['sns:Publish'], alarms.topic.topicArn)
    const count = (metric: MetricName) => productMetric('ingest', metric)
    this.alarms = [
      this.function.alarmOnErrors('page', 'The ingest function fails. Senders get 5xx, keep their events and retry.', 3),
      {
        name: 'ingest-requests-failed',
        severity: 'page',
        about: 'Ingest answers requests with 500 because of a bug. Senders keep their events and retry.',
        metric: count('RequestsFailed'),
        atLeast: 1,
        periods: 1,
      },
      {
        name: 'key-quota-spent',
        severity: 'ticket',
        about:
          'A key has spent its quota of the day: 429 until midnight UTC. A message to the topic of the alarms names it, and so do `millrace keys list` and the graph "Ingest: events by key".',
        metric: count('DailyQuotasSpent'),
        atLeast: 1,
        periods: 1,
      },
      {
        name: 'quarantine-growing',
        severity: 'ticket',
        about: 'More events than usual do not fit their type. They are in the quarantine; all other events are accepted.',
        metric: count('EventsQuarantined').with({ period: Duration.hours(1) }),
        atLeast: settings.alarms.quarantinedPerHour,
        periods: 1,
      },
    ]
    this.graphs = [
      {
        title: 'Ingest: events accepted, quarantined and from the future, times ignored',
        unit: 'events',
        metrics: [count('EventsAccepted'), count('EventsQuarantined'), count('EventsFromFuture'), count('TimesIgnored')],
      },
      {
        title: 'Ingest: requests rejected (4xx), failed (500) and unavailable (503)',
        unit: 'requests',
        metrics: [count('RequestsRefused'), count('RequestsFailed'), count('RequestsUnavailable')],
      },
      {
        title: 'Ingest: requests without a daily quota, and requests whose quota was not checked',
        unit: 'requests',
        metrics: [count('DailyQuotasSpent'), count('QuotasUnchecked')],
      },
      {
        title: 'Ingest: events by key',
        logGroups: [this.function.logGroup],
        query: [
          'filter ispresent(key)',
          'stats sum(EventsAccepted) as events, sum(RequestsRefused) as refused, sum(DailyQuotasSpent) as spent by key, keyId',
        ],
      },
      failureGraph('Ingest function: errors and throttles', [this.function]),
    ]
  }
}

/** Below one request a second, the bucket of a key never holds a whole request, and all are refused. */
function keyRateOf({ keyRate }: Settings['api']): string {
  if (keyRate === 'none' || keyRate >= 1) return String(keyRate)
  throw new Error(`api.keyRate is ${keyRate} requests a second. Set it to 1 or more, or to 'none', in infra/settings.ts.`)
}
