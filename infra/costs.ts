import { Duration } from 'aws-cdk-lib'
import { type IMetric, MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch'
import type { ILogGroup } from 'aws-cdk-lib/aws-logs'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import { type Graph, type Monitored, period } from './alarm-topic.ts'
import type { Api } from './api.ts'
import type { Archive } from './archive.ts'
import type { LambdaFunction } from './lambda-function.ts'
import type { Quarantine } from './quarantine.ts'
import type { Settings } from './settings-types.ts'
import type { State } from './state.ts'
import type { EventStream } from './stream.ts'

export interface CostsProps {
  readonly api: Api
  readonly functions: readonly LambdaFunction[]
  readonly stream: EventStream
  readonly state: State
  readonly archive: Archive
  readonly quarantine: Quarantine
  readonly settings: Settings
}

const sum = { period, statistic: 'Sum' }
const MEGABYTES_PER_GIGABYTE = 1024

/** Graphs of the usage that AWS bills. The costs of an idle stage, shards and search cluster, depend on its settings alone. */
export const costs = (props: CostsProps): Monitored => ({
  alarms: [],
  graphs: [callsGraph(props), computeGraph(props), logsGraph(props), dataGraph(props), unitsGraph(props), storageGraph(props)],
})

const callsGraph = ({ api, functions }: CostsProps): Graph => ({
  title: 'Cost: API requests and function invocations',
  unit: 'calls',
  metrics: [
    api.http.metricCount({ period, label: 'API' }),
    ...functions.map(fn => fn.metricInvocations({ ...sum, label: fn.service })),
  ],
})

const computeGraph = ({ functions, settings }: CostsProps): Graph => ({
  title: 'Cost: compute by function',
  unit: 'GB-seconds',
  metrics: functions.map((fn, i) => {
    const gigabytes = settings.functions[fn.service].memory / MEGABYTES_PER_GIGABYTE
    const usingMetrics = { [`milliseconds${i}`]: fn.metricDuration(sum) }
    return new MathExpression({ expression: `milliseconds${i} / 1000 * ${gigabytes}`, usingMetrics, label: fn.service, period })
  }),
})

const logsGraph = ({ api, functions }: CostsProps): Graph => ({
  title: 'Cost: log bytes by source',
  unit: 'bytes',
  metrics: [logged(api.accessLogs, 'API'), ...functions.map(fn => logged(fn.logGroup, fn.service))],
})

const logged = ({ logGroupName }: ILogGroup, label: string): IMetric =>
  new Metric({
    namespace: 'AWS/Logs',
    metricName: 'IncomingBytes',
    dimensionsMap: { LogGroupName: logGroupName },
    label,
    ...sum,
  })

const dataGraph = ({ api, stream, archive }: CostsProps): Graph => ({
  title: 'Cost: data transferred',
  unit: 'bytes',
  metrics: [
    api.http.metricDataProcessed({ ...sum, label: 'through the API' }),
    stream.stream.metricIncomingBytes({ ...sum, label: 'into the event stream' }),
    archive.delivery.metric('DataReadFromKinesisStream.Bytes', { ...sum, label: 'into Firehose' }),
  ],
})

const unitsGraph = ({ state }: CostsProps): Graph => ({
  title: 'Cost: capacity units of the state table',
  unit: 'units',
  metrics: [state.table.metricConsumedWriteCapacityUnits(sum), state.table.metricConsumedReadCapacityUnits(sum)],
})

const storageGraph = ({ archive, quarantine }: CostsProps): Graph => ({
  title: 'Cost: data stored in S3',
  unit: 'bytes',
  metrics: [stored(archive.bucket, 'archive and reports'), stored(quarantine.bucket, 'quarantine')],
})

/** S3 reports its size once a day. */
const stored = ({ bucketName }: IBucket, label: string): IMetric =>
  new Metric({
    namespace: 'AWS/S3',
    metricName: 'BucketSizeBytes',
    dimensionsMap: { BucketName: bucketName, StorageType: 'StandardStorage' },
    statistic: 'Average',
    period: Duration.days(1),
    label,
  })
