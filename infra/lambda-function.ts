import path from 'node:path'
import { Aws, Duration, type Size, Stack, Validations } from 'aws-cdk-lib'
import type { Table } from 'aws-cdk-lib/aws-dynamodb'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { IStream } from 'aws-cdk-lib/aws-kinesis'
import { type EventSourceMappingOptions, LoggingFormat, Runtime, StartingPosition, SystemLogLevel } from 'aws-cdk-lib/aws-lambda'
import { NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import type { Construct } from 'constructs'
import type { Environment, FunctionName } from '../shared/environment.ts'
import type { AlarmPlan } from './alarm-topic.ts'
import { bundling, npmPlatform, root, runAfterBundling, splitCode } from './bundling.ts'
import type { Quarantine } from './quarantine.ts'
import type { Batch, Settings } from './settings.ts'

export interface LambdaFunctionProps<F extends FunctionName> {
  readonly name: F
  readonly about: string
  /** The file that exports `handler`, from the root of the repository. */
  readonly entry: string
  readonly environment: Environment<F>
  readonly settings: Settings
  /** Packages with native code: installed into the bundle for the function's architecture, whatever the host's. */
  readonly nativePackages?: readonly string[]
  readonly scratch?: Size
  /** Whether what is imported lazily is kept in files of its own: for a function whose cold starts somebody waits for. */
  readonly split?: boolean
  /** A script that adds files to the bundle; it is run with the bundle's folder as its argument. */
  readonly addFiles?: string
}

export interface StreamSource {
  readonly batch: Batch
  /** Where records are kept that nobody could read before they were nearly gone. */
  readonly onFailure: Quarantine
  readonly filters?: NonNullable<EventSourceMappingOptions['filters']>
}

const WITHOUT_LIMIT = -1
/** How long a table's stream keeps changes. */
export const TABLE_STREAM_RETENTION = Duration.hours(24)
const OLDEST_RECORD = Duration.days(7)

/**
 * Lambda keeps what is older than this in the net. What the stream itself lets go of it may not keep: the documentation names only
 * spent retries and spent age. So a reader gives up an hour before that; more than seven days Lambda does not allow.
 */
function maxRecordAge(retention: Duration): Duration {
  const age = retention.minus(Duration.hours(1))
  return age.toSeconds() > OLDEST_RECORD.toSeconds() ? OLDEST_RECORD : age
}

/** A function as all of ours are: bundled whole with its SDK, its own role and log group, logs as JSON, no tracing. */
export class LambdaFunction<F extends FunctionName = FunctionName> extends NodejsFunction {
  /** What CloudWatch metrics call it, too. */
  readonly service: F
  private readonly executionRole: Role

  constructor(scope: Construct, id: string, props: LambdaFunctionProps<F>) {
    const { settings, name } = props
    const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    const logGroup = new LogGroup(scope, `${id}Logs`, { retention: settings.logRetention, removalPolicy: settings.removal })
    super(scope, id, {
      description: props.about,
      entry: path.join(root, props.entry),
      projectRoot: root,
      depsLockFilePath: path.join(root, 'package-lock.json'),
      runtime: Runtime.NODEJS_24_X,
      architecture: settings.architecture,
      memorySize: settings.functions[name].memory,
      timeout: settings.functions[name].timeout,
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
      ...(props.split && { code: splitCode(props.entry), handler: 'index.handler' }),
      bundling: {
        format: OutputFormat.ESM,
        target: bundling.target,
        mainFields: [...bundling.mainFields],
        banner: bundling.banner,
        externalModules: [...bundling.external],
        loader: bundling.loader,
        minify: true,
        sourceMap: true,
        sourcesContent: false,
        ...(props.addFiles && { commandHooks: runAfterBundling(props.addFiles) }),
        ...(props.nativePackages && {
          nodeModules: [...props.nativePackages],
          environment: npmPlatform(settings.architecture),
        }),
      },
    })
    this.service = name
    this.executionRole = role
    logGroup.grantWrite(this)
  }

  /** Allows exactly these actions on this resource; an ARN with a wildcard must say why it has one. */
  allow(actions: readonly string[], arn: string, reason?: string): void {
    this.addToRolePolicy(new PolicyStatement({ actions: [...actions], resources: [arn] }))
    if (reason) acknowledgeWildcard(this.executionRole, arn, reason)
  }

  readKinesis(stream: IStream, retention: Duration, reading: StreamSource): void {
    stream.grantRead(this)
    this.read('EventStream', stream.streamArn, retention, reading)
  }

  /** Reads the changes of a table that has a stream; AWS allows two readers. */
  readChanges(table: Table, reading: StreamSource): void {
    table.grantStreamRead(this)
    acknowledgeWildcard(this.executionRole, '*', 'dynamodb:ListStreams cannot be limited to a table.')
    this.read('Changes', table.tableStreamArn ?? '', TABLE_STREAM_RETENTION, reading)
  }

  /**
   * From the oldest record, in order and with any number of attempts: a failing batch is halved until the bad record is alone, and
   * what is nearly gone from the stream is kept by the net.
   */
  private read(id: string, eventSourceArn: string, retention: Duration, { batch, onFailure: net, filters }: StreamSource): void {
    net.allowFailureDestination(this)
    this.addEventSourceMapping(id, {
      eventSourceArn,
      batchSize: batch.size,
      maxBatchingWindow: batch.window,
      startingPosition: StartingPosition.TRIM_HORIZON,
      parallelizationFactor: 1,
      bisectBatchOnError: true,
      reportBatchItemFailures: true,
      retryAttempts: WITHOUT_LIMIT,
      maxRecordAge: maxRecordAge(retention),
      onFailure: { bind: () => ({ destination: net.bucket.bucketArn }) },
      supportS3OnFailureDestination: true,
      ...(filters && { filters }),
    })
  }

  /** Calls that ended in an error, which in a stream's reader are batches that are tried again. */
  alarmOnErrors(about: string, periods: number): AlarmPlan {
    const metric = this.metricErrors({ period: Duration.minutes(5), statistic: 'Sum' })
    return { name: `${this.service}-errors`, about, metric, atLeast: 1, periods }
  }

  /** A stream's reader that is behind: a warning at one hour, and at six, when the 24 hours of a table's stream come near. */
  alarmsOnDelay(about: string): readonly AlarmPlan[] {
    return [1, 6].map(hours => ({
      name: `${this.service}-behind-${hours}h`,
      about,
      metric: this.metricDelay(),
      atLeast: Duration.hours(hours).toMilliseconds(),
      periods: 1,
    }))
  }

  /** Age of the oldest unread record in milliseconds. */
  metricDelay() {
    return this.metric('IteratorAge', { period: Duration.minutes(5), statistic: 'Maximum' })
  }
}

/** Says why a role's policy has a wildcard in this ARN. */
export function acknowledgeWildcard(role: Role, arn: string, reason: string): void {
  Validations.of(role).acknowledge({ id: `AwsSolutions-IAM5[Resource::${plainArn(role, arn)}]`, reason })
}

/** An ARN as cdk-nag writes it, references as `<LogicalId.Attribute>`. */
function plainArn(scope: Construct, arn: string): string {
  const resolved: unknown = Stack.of(scope).resolve(arn)
  if (typeof resolved === 'string') return resolved
  const { 'Fn::Join': join } = resolved as { 'Fn::Join': [string, (string | Record<string, string[]>)[]] }
  return join[1].map(part => (typeof part === 'string' ? part : `<${Object.values(part).flat().join('.')}>`)).join(join[0])
}
