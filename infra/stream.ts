import { Stream, StreamEncryption, StreamMode } from 'aws-cdk-lib/aws-kinesis'
import { Construct } from 'constructs'
import { type AlarmPlan, type Graph, type Monitored, period } from './alarm-topic.ts'
import { inSeconds } from './graphs.ts'
import type { LambdaFunction } from './lambda-function.ts'
import type { Settings } from './settings-types.ts'
import type { Source } from './silent-readers.ts'

/** The event stream: accepted events, in order for each user, kept for `stream.retention`. */
export class EventStream extends Construct implements Monitored {
  readonly stream: Stream
  /** For alarms on readers that read nothing. */
  readonly source: Source
  readonly alarms: readonly AlarmPlan[]
  readonly graphs: readonly Graph[]

  constructor(scope: Construct, settings: Settings) {
    super(scope, 'EventStream')
    const { shards, retention } = settings.stream
    this.stream = new Stream(this, 'Stream', {
      ...(shards === 'on-demand' ? { streamMode: StreamMode.ON_DEMAND } : { shardCount: shards }),
      retentionPeriod: retention,
      encryption: StreamEncryption.MANAGED,
      removalPolicy: settings.removal,
    })
    this.source = { name: 'event-stream', arrived: this.stream.metricIncomingRecords({ statistic: 'Sum' }) }
    const throttled = this.stream.metricWriteProvisionedThroughputExceeded({ period, statistic: 'Sum' })
    this.alarms = [
      {
        name: 'stream-throttled',
        severity: 'page',
        about:
          'Kinesis throttles writes to the event stream: the shards are full. Ingest retries, then answers 503; senders keep their events.',
        metric: throttled,
        atLeast: 1,
        periods: 3,
      },
    ]
    this.graphs = [
      {
        title: 'Event stream: records written',
        unit: 'records',
        metrics: [this.stream.metricIncomingRecords({ period, statistic: 'Sum' })],
      },
      {
        title: 'Event stream: lag of the slowest reader',
        unit: 'seconds',
        metrics: [
          inSeconds(
            this.stream.metricGetRecordsIteratorAgeMilliseconds({ period, statistic: 'Maximum' }),
            'oldest unread record',
          ),
        ],
      },
      {
        title: 'Event stream: throttled writes and reads',
        unit: 'calls',
        metrics: [throttled, this.stream.metricReadProvisionedThroughputExceeded({ period, statistic: 'Sum' })],
      },
    ]
  }

  allowPut(...functions: readonly LambdaFunction[]): void {
    for (const fn of functions) fn.allow(['kinesis:PutRecords'], this.stream.streamArn)
  }

  /** For the health route, which checks that the stream exists. */
  allowDescribe(query: LambdaFunction): void {
    query.allow(['kinesis:ListShards'], this.stream.streamArn)
  }
}
