import { Stack, Validations } from 'aws-cdk-lib'
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
import { ARCHIVE_ERROR_PREFIX, ARCHIVE_PREFIX, REPORTS_PREFIX } from '../shared/archive-columns.ts'
import type { EventType } from '../shared/event-type.ts'

import { type AlarmPlan, type Graph, type Monitored, period } from './alarm-topic.ts'
import { ArchiveTable } from './archive-table.ts'
import { inSeconds } from './graphs.ts'
import { acknowledgeWildcard, type LambdaFunction } from './lambda-function.ts'
import type { Settings } from './settings.ts'
import { type AccessLogs, DataBucket } from './stores.ts'
import type { EventStream } from './stream.ts'

export interface ArchiveProps {
  readonly stage: string
  readonly stream: EventStream
  readonly eventTypes: readonly EventType[]
  readonly accessLogs: AccessLogs
  readonly settings: Settings
}

/** Every event as Parquet in S3, by arrival, with the catalogue's columns. */
export class Archive extends Construct implements Monitored {
  readonly bucket: DataBucket
  readonly delivery: DeliveryStream
  readonly alarms: readonly AlarmPlan[]
  readonly graphs: readonly Graph[]

  constructor(scope: Construct, { stage, stream, eventTypes, accessLogs, settings }: ArchiveProps) {
    super(scope, 'Archive')
    this.bucket = new DataBucket(this, 'Bucket', { settings, accessLogs })
    const table = new ArchiveTable(this, { stage, bucket: this.bucket, eventTypes })
    const errors = new LogGroup(this, 'DeliveryErrors', { retention: settings.logRetention, removalPolicy: settings.removal })
    const role = this.deliveryRole(stream, table, errors)
    this.delivery = new DeliveryStream(this, 'Delivery', {
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
    Validations.of(this.delivery).acknowledge({
      id: 'AwsSolutions-KDF1',
      reason: 'A delivery stream that reads from Kinesis cannot be encrypted itself; its source and its bucket are.',
    })
    Validations.of(Stack.of(this)).acknowledge({
      id: 'CloudFormation-Validate::W7001',
      reason: 'The delivery stream construct brings a table of addresses that only VPC destinations use.',
    })
    const metric = (name: string, statistic: string) => this.delivery.metric(name, { period, statistic })
    const freshness = metric('DeliveryToS3.DataFreshness', 'Maximum')
    this.alarms = [
      {
        name: 'archive-behind',
        about: 'Events reach the archive late; reports miss them.',
        metric: freshness,
        atLeast: settings.archive.bufferInterval.toSeconds() + settings.alarms.archiveDelay.toSeconds(),
        periods: 2,
      },
    ]
    this.graphs = [
      { title: 'How much is archived?', unit: 'bytes', metrics: [metric('DeliveryToS3.Bytes', 'Sum')] },
      {
        title: 'How long until an event is archived?',
        unit: 'seconds',
        metrics: [freshness, inSeconds(metric('KinesisMillisBehindLatest', 'Maximum'), 'oldest record unread')],
      },
      {
        title: 'How many records could not be converted?',
        unit: 'records',
        metrics: [metric('FailedConversion.Records', 'Sum')],
      },
    ]
  }

  /** What Firehose needs, and no more: the constructs' grants would let it delete. */
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
    const reason = 'Object names below the two prefixes are chosen by Firehose.'
    for (const arn of objects) acknowledgeWildcard(role, arn, reason)
    return role.withoutPolicyUpdates()
  }

  allowReadEvents(reports: LambdaFunction): void {
    this.allowBelow(reports, ['s3:GetObject'], ARCHIVE_PREFIX)
    this.allowList(reports)
  }

  allowPublish(reports: LambdaFunction): void {
    this.allowBelow(reports, ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'], REPORTS_PREFIX)
  }

  allowReadReports(query: LambdaFunction): void {
    this.allowBelow(query, ['s3:GetObject'], REPORTS_PREFIX)
    this.allowList(query)
  }

  /** Lets a function take what Firehose could not convert. */
  allowCollectErrors(collect: LambdaFunction): void {
    this.allowBelow(collect, ['s3:GetObject', 's3:DeleteObject'], ARCHIVE_ERROR_PREFIX)
    this.allowList(collect)
  }

  // Without a condition on the prefix: with one, S3 answers a missing object with 403 instead of 404.
  private allowList(fn: LambdaFunction): void {
    fn.allow(['s3:ListBucket'], this.bucket.bucketArn)
  }

  private allowBelow(fn: LambdaFunction, actions: readonly string[], prefix: string): void {
    fn.allow(actions, this.bucket.arnForObjects(`${prefix}*`), `Object names below ${prefix} are not known beforehand.`)
  }
}
