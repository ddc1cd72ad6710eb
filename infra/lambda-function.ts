import path from 'node:path'
import { Aws, Duration, type Size } from 'aws-cdk-lib'
import { Metric } from 'aws-cdk-lib/aws-cloudwatch'
import type { Table } from 'aws-cdk-lib/aws-dynamodb'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { IStream } from 'aws-cdk-lib/aws-kinesis'
import {
  type EventSourceMapping,
  type EventSourceMappingOptions,
  LoggingFormat,
  MetricType,
  Runtime,
  StartingPosition,
  SystemLogLevel,
} from 'aws-cdk-lib/aws-lambda'
import { NodejsFunction, type NodejsFunctionProps, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import type { Construct } from 'constructs'
import type { Environment, FunctionName } from '../shared/environment.ts'
import { MAX_RECORD_AGE_HOURS, TABLE_STREAM_HOURS } from '../shared/record-age.ts'
import { acknowledgeWildcard } from './acknowledge-wildcard.ts'
import type { Severity } from './alarm-about.ts'
import { type AlarmPlan, period } from './alarm-topic.ts'
import { bundling, checkNativeCode, npmPlatform, root, runAfterBundling, splitCode } from './bundling.ts'
import type { Batch, Settings } from './settings-types.ts'
import type { SilencePlan, Source } from './silent-readers.ts'

interface CodeProps {
  /** The file that exports `handler`, relative to the root of the repository. */
  readonly entry: string
  /** Packages with native code. They are installed into the bundle for the function's architecture, not for the host's. */
  readonly nativePackages?: readonly string[]
  /** A script that adds files to the bundle. It runs with the bundle's folder as its argument. */
  readonly addFiles?: string
}

export interface LambdaFunctionProps<F extends FunctionName> extends CodeProps {
  readonly name: F
  /** What the function does, in one sentence. */
  readonly about: string
  readonly environment: Environment<F>
  readonly settings: Settings
  /** Size of `/tmp`: 512 MiB (the default) to 10 GiB. */
  readonly scratch?: Size
}

/** Where Lambda stores batches that a reader could not process before their records were about to expire. */
export interface FailureDestination {
  readonly bucket: IBucket
  /** Gives the reader's role the rights that Lambda needs to write to the bucket. */
  allowFailureDestination(reader: LambdaFunction): void
}

export interface StreamSource {
  readonly batch: Batch
  readonly onFailure: FailureDestination
  readonly filters?: NonNullable<EventSourceMappingOptions['filters']>
}

const UNLIMITED_RETRIES = -1
/** Retention of a table's stream; DynamoDB fixes it. */
export const TABLE_STREAM_RETENTION = Duration.hours(TABLE_STREAM_HOURS)
const MAX_RECORD_AGE = Duration.hours(MAX_RECORD_AGE_HOURS)

/**
 * The age at which Lambda moves a record to the failure destination: an hour before it expires from the stream. Lambda documents
 * the destination for used-up retries and for exceeded age only, so a record that expires unread might not reach it.
 */
function maxRecordAge(retention: Duration): Duration {
  const age = retention.minus(Duration.hours(1))
  return age.toSeconds() > MAX_RECORD_AGE.toSeconds() ? MAX_RECORD_AGE : age
}

/** One Lambda function: bundled with its SDK, with its own role and log group, JSON logs and no tracing. */
export class LambdaFunction<F extends FunctionName = FunctionName> extends NodejsFunction {
  /** The function's name in the product, also the dimension `service` of its metrics. */
  readonly service: F
  private readonly executionRole: Role
  private readonly countsEvents: boolean
  private mapping: EventSourceMapping | undefined

  constructor(scope: Construct, id: string, props: LambdaFunctionProps<F>) {
    const { settings, name } = props
    const reserved = settings.reservedConcurrency[name]
    const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    const logGroup = new LogGroup(scope, `${id}Logs`, { retention: settings.logRetention, removalPolicy: settings.removal })
    super(scope, id, {
      description: props.about,
      runtime: Runtime.NODEJS_24_X,
      architecture: settings.architecture,
      memorySize: settings.functions[name].memory,
      timeout: settings.functions[name].timeout,
      ...(reserved !== undefined && { reservedConcurrentExecutions: reserved }),
      ...(props.scratch && { ephemeralStorageSize: props.scratch }),
      environment: {
        ...props.environment,
        POWERTOOLS_METRICS_NAMESPACE: Aws.STACK_NAME,
        NODE_OPTIONS: '--enable-source-maps',
      },
      role,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      systemLogLevelV2: SystemLogLevel.WARN,
      ...codeOf(props, settings),
    })
    this.service = name
    this.executionRole = role
    this.countsEvents = settings.alarms.silentReaders === 'on'
    logGroup.grantWrite(this)
  }

  /** Allows exactly these actions on this resource. An ARN with a wildcard needs a reason. */
  allow(actions: readonly string[], arn: string, reason?: string): void {
    this.addToRolePolicy(new PolicyStatement({ actions: [...actions], resources: [arn] }))
    if (reason) acknowledgeWildcard(this.executionRole, arn, reason)
  }

  readKinesis(stream: IStream, retention: Duration, source: StreamSource): void {
    this.allow(
      ['DescribeStream', 'DescribeStreamSummary', 'GetRecords', 'GetShardIterator', 'ListShards'].map(name => `kinesis:${name}`),
      stream.streamArn,
    )
    this.read('EventStream', stream.streamArn, retention, source)
  }

  /** Reads the changes of a table that has a stream. AWS allows two readers. */
  readChanges(table: Table, source: StreamSource): void {
    table.grantStreamRead(this)
    acknowledgeWildcard(this.executionRole, '*', 'dynamodb:ListStreams cannot be limited to a table.')
    this.read('Changes', table.tableStreamArn ?? '', TABLE_STREAM_RETENTION, source)
  }

  /**
   * Reads from the oldest record on, in order, with unlimited retries. Lambda bisects a failing batch until the bad record is alone.
   * Records that are about to expire go to the failure destination.
   */
  private read(id: string, eventSourceArn: string, retention: Duration, { batch, onFailure, filters }: StreamSource): void {
    onFailure.allowFailureDestination(this)
    this.mapping = this.addEventSourceMapping(id, {
      eventSourceArn,
      batchSize: batch.size,
      maxBatchingWindow: batch.window,
      startingPosition: StartingPosition.TRIM_HORIZON,
      parallelizationFactor: 1,
      bisectBatchOnError: true,
      reportBatchItemFailures: true,
      retryAttempts: UNLIMITED_RETRIES,
      maxRecordAge: maxRecordAge(retention),
      onFailure: { bind: () => ({ destination: onFailure.bucket.bucketArn }) },
      supportS3OnFailureDestination: true,
      ...(this.countsEvents && { metricsConfig: { metrics: [MetricType.EVENT_COUNT] } }),
      ...(filters && { filters }),
    })
  }

  /** An alarm on failed invocations. For a stream reader, each is a batch that Lambda retries. */
  alarmOnErrors(severity: Severity, about: string, periods: number): AlarmPlan {
    const metric = this.metricErrors({ period, statistic: 'Sum' })
    return { name: `${this.service}-errors`, severity, about, metric, atLeast: 1, periods }
  }

  /** Alarms for a stream reader that is one hour and six hours behind; a table's stream keeps records for 24 hours. */
  alarmsOnDelay(about: string): readonly AlarmPlan[] {
    return [1, 6].map(hours => ({
      name: `${this.service}-behind-${hours}h`,
      severity: hours === 1 ? 'ticket' : 'page',
      about: `The oldest unread record of ${this.service} is more than ${hours} h old. ${about}`,
      metric: this.metricDelay(),
      atLeast: Duration.hours(hours).toMilliseconds(),
      periods: 1,
    }))
  }

  /** The alarm when Lambda could not store what it gave up: no other part of the product reads those records. */
  alarmOnLostFailures(repair: string): AlarmPlan {
    return {
      name: `${this.service}-failures-lost`,
      severity: 'page',
      about: `Lambda gave up records of ${this.service} and could not store them in the quarantine bucket: it lost a right, or the bucket is gone. ${repair}`,
      metric: this.metric('DestinationDeliveryFailures', { period, statistic: 'Sum' }),
      atLeast: 1,
      periods: 1,
    }
  }

  /** The alarm of a reader that polls nothing while its source gets records, if the stage has such alarms. */
  alarmOnSilence(source: Source, about: string): readonly SilencePlan[] {
    if (!this.countsEvents || !this.mapping) return []
    const read = new Metric({
      namespace: 'AWS/Lambda',
      metricName: 'PolledEventCount',
      dimensionsMap: { EventSourceMappingUUID: this.mapping.eventSourceMappingId },
    })
    const what = `${this.service} has read nothing, although ${source.name} gets records: it lost a right, or its mapping is disabled.`
    return [{ name: `${this.service}-not-reading`, severity: 'page', about: `${what} ${about}`, source, read }]
  }

  /** Age of the oldest unread record, in milliseconds. */
  metricDelay(): Metric {
    return this.metric('IteratorAge', { period, statistic: 'Maximum' })
  }
}

/** How a function's code is bundled. CDK installs native packages; without them, a bundle needs no npm. */
const codeOf = ({ entry, addFiles, nativePackages }: CodeProps, { architecture }: Settings): NodejsFunctionProps => {
  const common = { entry: path.join(root, entry), projectRoot: root, depsLockFilePath: path.join(root, 'package-lock.json') }
  if (!nativePackages) return { ...common, code: splitCode(entry, addFiles), handler: 'index.handler' }
  const scripts = [checkNativeCode(architecture), ...(addFiles ? [[addFiles] as const] : [])]
  return {
    ...common,
    bundling: {
      format: OutputFormat.ESM,
      target: bundling.target,
      mainFields: [...bundling.mainFields],
      banner: bundling.banner,
      externalModules: [...bundling.external],
      minify: true,
      sourceMap: true,
      sourcesContent: false,
      commandHooks: runAfterBundling(scripts),
      nodeModules: [...nativePackages],
      environment: npmPlatform(architecture),
    },
  }
}
