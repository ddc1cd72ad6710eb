import { Duration, Stack, Validations } from 'aws-cdk-lib'
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch'
import { AttributeType } from 'aws-cdk-lib/aws-dynamodb'
import { type IRole, PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import {
  DeliveryStream,
  EnableLogging,
  InputFormat,
  KinesisStreamSource,
  ParquetCompression,
  ParquetOutputFormat,
  S3Bucket,
  SchemaConfiguration,
} from 'aws-cdk-lib/aws-kinesisfirehose'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import {
  ARCHIVE_ERROR_PREFIX,
  ARCHIVE_PREFIX,
  COMPACTED_PREFIX,
  COMPACTED_TABLE,
  MANIFESTS_PREFIX,
  RAW_TABLE,
  REPETITIONS_PREFIX,
  REPETITIONS_TABLE,
  REPORTS_PREFIX,
} from '../shared/archive-columns.ts'
import type { EventType } from '../shared/event-type.ts'
import { ATHENA_PREFIX } from '../shared/report.ts'
import { acknowledgeWildcard } from './acknowledge-wildcard.ts'
import { type AlarmPlan, type Graph, type Monitored, period } from './alarm-topic.ts'
import { ArchiveTable } from './archive-table.ts'
import { inSeconds } from './graphs.ts'
import type { LambdaFunction } from './lambda-function.ts'
import type { Settings } from './settings-types.ts'
import type { SilencePlan } from './silent-readers.ts'
import { type AccessLogs, DataBucket, DataTable } from './stores.ts'
import type { EventStream } from './stream.ts'

export interface ArchiveProps {
  readonly stage: string
  readonly stream: EventStream
  readonly eventTypes: readonly EventType[]
  readonly accessLogs: AccessLogs | undefined
  readonly settings: Settings
}

interface DeliveryProps extends Pick<ArchiveProps, 'stream' | 'settings'> {
  readonly table: ArchiveTable
  readonly errors: LogGroup
}

/** How long results of queries are kept that no run has deleted. */
const LEFTOVER_EXPIRY = Duration.days(2)

/** Firehose has no failure destination: what it has not delivered when it expires from the stream is not in the quarantine either. */
const UNDELIVERED = 'What expires from the stream before it is delivered is missing from the archive for good.'
const PAGE_AFTER = Duration.hours(6)

const COMPACTION_PREFIXES = [COMPACTED_PREFIX, REPETITIONS_PREFIX, MANIFESTS_PREFIX]

/** All events as Parquet in S3, partitioned by arrival, with the columns of the catalogue. Firehose writes it. */
export class Archive extends Construct implements Monitored {
  readonly bucket: DataBucket
  /** The days that are compacted, each with the run that is current. */
  readonly ledger: DataTable
  readonly table: ArchiveTable
  readonly delivery: DeliveryStream
  readonly alarms: readonly (AlarmPlan | SilencePlan)[]
  readonly graphs: readonly Graph[]

  constructor(scope: Construct, { stage, stream, eventTypes, accessLogs, settings }: ArchiveProps) {
    super(scope, 'Archive')
    const expiring = settings.reports.engine === 'athena' ? [{ prefix: ATHENA_PREFIX, expiration: LEFTOVER_EXPIRY }] : []
    this.bucket = new DataBucket(this, 'Bucket', { settings, accessLogs, expiring })
    this.ledger = new DataTable(new Construct(this, 'Ledger'), settings, {
      partitionKey: { name: 'ledger', type: AttributeType.STRING },
      sortKey: { name: 'dt', type: AttributeType.STRING },
    })
    this.table = new ArchiveTable(this, { stage, bucket: this.bucket, eventTypes, removal: settings.removal })
    const errors = new LogGroup(this, 'DeliveryErrors', { retention: settings.logRetention, removalPolicy: settings.removal })
    this.delivery = this.createDelivery({ stream, table: this.table, errors, settings })
    this.acknowledge()
    this.alarms = [...this.planAlarms(settings), ...this.planSilenceAlarms(stream, settings)]
    this.graphs = this.planGraphs()
  }

  private createDelivery({ stream, table, errors, settings }: DeliveryProps): DeliveryStream {
    const role = this.deliveryRole(stream, table, errors)
    return new DeliveryStream(this, 'Delivery', {
      source: new KinesisStreamSource(stream.stream),
      role,
      destination: new S3Bucket(this.bucket, {
        role,
        dataOutputPrefix: `${ARCHIVE_PREFIX}dt=!{timestamp:yyyy-MM-dd}/hour=!{timestamp:HH}/`,
        errorOutputPrefix: `${ARCHIVE_ERROR_PREFIX}!{firehose:error-output-type}/dt=!{timestamp:yyyy-MM-dd}/hour=!{timestamp:HH}/`,
        bufferingInterval: settings.archive.bufferInterval,
        bufferingSize: settings.archive.bufferSize,
        dataFormatConversion: {
          schemaConfiguration: SchemaConfiguration.fromCfnTable(table.table),
          inputFormat: InputFormat.OPENX_JSON,
          outputFormat: new ParquetOutputFormat({ compression: ParquetCompression.SNAPPY }),
        },
        loggingConfig: new EnableLogging(errors),
      }),
    })
  }

  private acknowledge(): void {
    Validations.of(this.delivery).acknowledge({
      id: 'AwsSolutions-KDF1',
      reason: 'A delivery stream that reads from Kinesis cannot be encrypted itself. Its source and its bucket are encrypted.',
    })
    Validations.of(Stack.of(this)).acknowledge({
      id: 'CloudFormation-Validate::W7001',
      reason: 'The delivery stream construct adds a mapping of IP addresses that only VPC destinations use.',
    })
  }

  private metric(name: string, statistic: 'Sum' | 'Maximum'): Metric {
    return this.delivery.metric(name, { period, statistic })
  }

  private planAlarms({ archive, alarms }: Settings): AlarmPlan[] {
    return [
      {
        name: 'archive-behind',
        severity: 'ticket',
        about:
          'Firehose delivers events to the archive late. They wait in Firehose and in the stream; reports miss the newest events.',
        metric: this.metric('DeliveryToS3.DataFreshness', 'Maximum'),
        atLeast: archive.bufferInterval.toSeconds() + alarms.archiveDelay.toSeconds(),
        periods: 2,
      },
      {
        name: 'archive-behind-6h',
        severity: 'page',
        about: `Firehose has had events for more than ${PAGE_AFTER.toHours()} h that it cannot deliver. ${UNDELIVERED}`,
        metric: this.metric('DeliveryToS3.DataFreshness', 'Maximum'),
        atLeast: PAGE_AFTER.toSeconds(),
        periods: 1,
      },
      {
        name: 'archive-unread-6h',
        severity: 'page',
        about: `Firehose reads the event stream more than ${PAGE_AFTER.toHours()} h late. ${UNDELIVERED}`,
        metric: this.metric('KinesisMillisBehindLatest', 'Maximum'),
        atLeast: PAGE_AFTER.toMilliseconds(),
        periods: 1,
      },
    ]
  }

  private planSilenceAlarms({ source }: EventStream, { alarms }: Settings): SilencePlan[] {
    if (alarms.silentReaders === 'off') return []
    return [
      {
        name: 'archive-not-reading',
        severity: 'page',
        about:
          'Firehose has read nothing, although event-stream gets records: it lost a right. What expires from the stream unread is missing from the archive.',
        source,
        read: this.metric('DataReadFromKinesisStream.Records', 'Sum'),
      },
    ]
  }

  private planGraphs(): Graph[] {
    const unread = inSeconds(this.metric('KinesisMillisBehindLatest', 'Maximum'), 'oldest unread record')
    return [
      { title: 'Archive: bytes delivered', unit: 'bytes', metrics: [this.metric('DeliveryToS3.Bytes', 'Sum')] },
      {
        title: 'Archive: delivery lag',
        unit: 'seconds',
        metrics: [this.metric('DeliveryToS3.DataFreshness', 'Maximum'), unread],
      },
      {
        title: 'Archive: records that Firehose could not convert',
        unit: 'records',
        metrics: [this.metric('FailedConversion.Records', 'Sum')],
      },
    ]
  }

  /** Exactly the rights that Firehose needs. The grants of the constructs would also let it delete objects. */
  private deliveryRole({ stream }: EventStream, { databaseName, tableName }: ArchiveTable, errors: LogGroup): IRole {
    const glue = (resource: string) => Stack.of(this).formatArn({ service: 'glue', resource })
    const allowed = (actions: string[], ...resources: string[]) => new PolicyStatement({ actions, resources })
    const objects = [ARCHIVE_PREFIX, ARCHIVE_ERROR_PREFIX].map(prefix => this.bucket.arnForObjects(`${prefix}*`))
    const role = new Role(this, 'DeliveryRole', {
      assumedBy: new ServicePrincipal('firehose.amazonaws.com'),
      inlinePolicies: {
        deliver: new PolicyDocument({
          statements: [
            allowed(
              ['kinesis:DescribeStream', 'kinesis:GetShardIterator', 'kinesis:GetRecords', 'kinesis:ListShards'],
              stream.streamArn,
            ),
            allowed(
              ['glue:GetTable', 'glue:GetTableVersion', 'glue:GetTableVersions'],
              glue('catalog'),
              glue(`database/${databaseName}`),
              glue(`table/${databaseName}/${tableName}`),
            ),
            allowed(['s3:GetBucketLocation', 's3:ListBucket', 's3:ListBucketMultipartUploads'], this.bucket.bucketArn),
            allowed(['s3:AbortMultipartUpload', 's3:GetObject', 's3:PutObject'], ...objects),
            allowed(['logs:PutLogEvents'], errors.logGroupArn),
          ],
        }),
      },
    })
    const reason = 'Firehose chooses the object names below the two prefixes.'
    for (const arn of objects) acknowledgeWildcard(role, arn, reason)
    return role.withoutPolicyUpdates()
  }

  allowReadEvents(reports: LambdaFunction): void {
    for (const prefix of [ARCHIVE_PREFIX, ...COMPACTION_PREFIXES]) this.allowBelow(reports, ['s3:GetObject'], prefix)
    reports.allow(['dynamodb:Query'], this.ledger.tableArn)
    this.allowList(reports)
  }

  /** Lets a function replace raw objects by compacted ones, and move the partitions of their tables. */
  allowCompact(compact: LambdaFunction): void {
    this.allowBelow(compact, ['s3:GetObject', 's3:DeleteObject'], ARCHIVE_PREFIX)
    for (const prefix of COMPACTION_PREFIXES)
      this.allowBelow(compact, ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'], prefix)
    this.allowList(compact)
    compact.allow(['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query'], this.ledger.tableArn)
    const { databaseName } = this.table
    const tables = [COMPACTED_TABLE, REPETITIONS_TABLE].map(table => `table/${databaseName}/${table}`)
    const actions = ['GetTable', 'CreatePartition', 'BatchUpdatePartition', 'DeletePartition'].map(action => `glue:${action}`)
    for (const resource of ['catalog', `database/${databaseName}`, ...tables])
      compact.allow(actions, Stack.of(this).formatArn({ service: 'glue', resource }))
  }

  /** Lets the queries of a function read the tables, and store results, which the function deletes. */
  allowQuery(reports: LambdaFunction): void {
    this.allowBelow(reports, ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload'], ATHENA_PREFIX)
    reports.allow(['s3:GetBucketLocation'], this.bucket.bucketArn)
    const { databaseName } = this.table
    const glue = (resource: string): string => Stack.of(this).formatArn({ service: 'glue', resource })
    const tables = [RAW_TABLE, COMPACTED_TABLE, REPETITIONS_TABLE].map(table => `table/${databaseName}/${table}`)
    const actions = ['GetDatabase', 'GetTable', 'GetPartition', 'GetPartitions', 'BatchGetPartition'].map(name => `glue:${name}`)
    for (const resource of ['catalog', `database/${databaseName}`, ...tables]) reports.allow(actions, glue(resource))
    // Athena looks for a database of this name, whatever a query reads.
    for (const resource of ['catalog', 'database/default']) reports.allow(['glue:GetDatabase'], glue(resource))
  }

  allowPublish(reports: LambdaFunction): void {
    this.allowBelow(reports, ['s3:PutObject', 's3:DeleteObject'], REPORTS_PREFIX)
  }

  allowReadReports(query: LambdaFunction): void {
    this.allowBelow(query, ['s3:GetObject'], REPORTS_PREFIX)
    this.allowList(query)
  }

  /** Lets a function move the records that Firehose could not convert out of the bucket. */
  allowCollectErrors(collect: LambdaFunction): void {
    this.allowBelow(collect, ['s3:GetObject', 's3:DeleteObject'], ARCHIVE_ERROR_PREFIX)
    this.allowList(collect)
  }

  // No condition on the prefix: with one, S3 answers 403 instead of 404 for a missing object.
  private allowList(fn: LambdaFunction): void {
    fn.allow(['s3:ListBucket'], this.bucket.bucketArn)
  }

  private allowBelow(fn: LambdaFunction, actions: readonly string[], prefix: string): void {
    fn.allow(actions, this.bucket.arnForObjects(`${prefix}*`), `Object names below ${prefix} are not known beforehand.`)
  }
}
