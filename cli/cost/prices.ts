/** The AWS region that the prices are of, and when they were collected, from public lists of prices: check one at its source before you rely on it. No free tier, discount or tax. */
export const PRICES_OF = { region: 'us-east-1', date: '2026-11-27' } as const

interface Price {
  /** $ for one unit. */
  readonly dollars: number
  /** What a unit is. */
  readonly unit: string
  /** Where AWS publishes it. */
  readonly source: string
}

const MILLION = 1e6
const lambda = 'aws.amazon.com/lambda/pricing'
const kinesis = 'aws.amazon.com/kinesis/data-streams/pricing'
const dynamodb = 'aws.amazon.com/dynamodb/pricing'
const firehose = 'aws.amazon.com/firehose/pricing'
const s3 = 'aws.amazon.com/s3/pricing'
const opensearch = 'aws.amazon.com/opensearch-service/pricing'
const cloudwatch = 'aws.amazon.com/cloudwatch/pricing'

const definePrices = <const Name extends string>(prices: Readonly<Record<Name, Price>>): Readonly<Record<Name, Price>> => prices

/** The price of every unit that Millrace uses. GB are 2^30 bytes, as AWS bills them. */
export const prices = definePrices({
  apiRequests: { dollars: 1 / MILLION, unit: '512 KB of a request', source: 'aws.amazon.com/api-gateway/pricing' },
  invocations: { dollars: 0.2 / MILLION, unit: 'invocation', source: lambda },
  computeGbSeconds: { dollars: 0.0000133334, unit: 'GB-second, arm64', source: lambda },
  scheduledCalls: { dollars: 1 / MILLION, unit: 'call of a schedule', source: 'aws.amazon.com/eventbridge/pricing' },
  putUnits: { dollars: 0.014 / MILLION, unit: '25 KB of a record', source: kinesis },
  shardHours: { dollars: 0.015, unit: 'shard and hour', source: kinesis },
  retentionShardHours: { dollars: 0.02, unit: 'shard and hour with more than 24 hours of retention', source: kinesis },
  onDemandStreamHours: { dollars: 0.04, unit: 'on-demand stream and hour', source: kinesis },
  onDemandInGb: { dollars: 0.08, unit: 'GB written, each record rounded up to 1 KB', source: kinesis },
  onDemandOutGb: { dollars: 0.04, unit: 'GB read by one reader', source: kinesis },
  onDemandRetentionGbMonths: { dollars: 0.1, unit: 'GB and month beyond 24 hours', source: kinesis },
  writeUnits: { dollars: 0.625 / MILLION, unit: '1 KB of an item written, on demand', source: dynamodb },
  readUnits: { dollars: 0.125 / MILLION, unit: '4 KB of an item read, on demand', source: dynamodb },
  provisionedWriteHours: { dollars: 0.00065, unit: '1 KB a second for an hour', source: dynamodb },
  provisionedReadHours: { dollars: 0.00013, unit: '4 KB a second for an hour', source: dynamodb },
  tableGbMonths: { dollars: 0.25, unit: 'GB and month', source: dynamodb },
  tableBackupGbMonths: { dollars: 0.2, unit: 'GB and month of point-in-time recovery', source: dynamodb },
  firehoseGb: { dollars: 0.029, unit: 'GB, each record rounded up to 5 KB', source: firehose },
  conversionGb: { dollars: 0.018, unit: 'GB converted to Parquet, rounded as above', source: firehose },
  s3Puts: { dollars: 0.005 / 1000, unit: 'PUT, LIST', source: s3 },
  s3Gets: { dollars: 0.0004 / 1000, unit: 'GET', source: s3 },
  s3GbMonths: { dollars: 0.023, unit: 'GB and month', source: s3 },
  logGb: { dollars: 0.5, unit: 'GB of log lines', source: cloudwatch },
  logGbMonths: { dollars: 0.03, unit: 'GB of stored log lines and month', source: cloudwatch },
  metricMonths: { dollars: 0.3, unit: 'metric and month', source: cloudwatch },
  alarmMonths: { dollars: 0.1, unit: 'metric of an alarm and month', source: cloudwatch },
  compositeAlarmMonths: { dollars: 0.5, unit: 'composite alarm and month', source: cloudwatch },
  dashboardMonths: { dollars: 3, unit: 'dashboard and month', source: cloudwatch },
  searchDiskGbMonths: { dollars: 0.122, unit: 'GB of gp3 and month', source: opensearch },
  't3.small.search': { dollars: 0.036, unit: 'node and hour', source: opensearch },
  't3.medium.search': { dollars: 0.073, unit: 'node and hour', source: opensearch },
  'r7g.medium.search': { dollars: 0.089, unit: 'node and hour', source: opensearch },
  'r7g.large.search': { dollars: 0.178, unit: 'node and hour', source: opensearch },
  'r7g.xlarge.search': { dollars: 0.356, unit: 'node and hour', source: opensearch },
  'r7g.2xlarge.search': { dollars: 0.711, unit: 'node and hour', source: opensearch },
})

export type Unit = keyof typeof prices
