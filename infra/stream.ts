import { Stream, StreamEncryption, StreamMode } from 'aws-cdk-lib/aws-kinesis'
import { Construct } from 'constructs'
import { type AlarmPlan, type Graph, type Monitored, period } from './alarm-topic.ts'
import { inSeconds } from './graphs.ts'
import type { LambdaFunction } from './lambda-function.ts'
import type { Settings } from './settings.ts'

/** The event stream: accepted events in the order of each user, until every reader has them. */
export class EventStream extends Construct implements Monitored {
  readonly stream: Stream
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
    const throttled = this.stream.metricWriteProvisionedThroughputExceeded({ period, statistic: 'Sum' })
    this.alarms = [
      { name: 'stream-throttled', about: 'Shards refuse events; add shards.', metric: throttled, atLeast: 1, periods: 3 },
    ]
    this.graphs = [
      {
        title: 'How much goes into the event stream?',
        unit: 'records',
        metrics: [this.stream.metricIncomingRecords({ period, statistic: 'Sum' })],
      },
      {
        title: 'How far behind is its slowest reader?',
        unit: 'seconds',
        metrics: [
          inSeconds(
            this.stream.metricGetRecordsIteratorAgeMilliseconds({ period, statistic: 'Maximum' }),
            'oldest record unread',
          ),
        ],
      },
      {
        title: 'Do its shards refuse writes or reads?',
        unit: 'calls',
        metrics: [throttled, this.stream.metricReadProvisionedThroughputExceeded({ period, statistic: 'Sum' })],
      },
    ]
  }

  allowPut(...functions: readonly LambdaFunction[]): void {
    for (const fn of functions) fn.allow(['kinesis:PutRecords'], this.stream.streamArn)
  }

  /** What the health route needs to see that the stream is there. */
  allowDescribe(query: LambdaFunction): void {
    query.allow(['kinesis:DescribeStreamSummary'], this.stream.streamArn)
  }
}
