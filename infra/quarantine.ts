import { Duration } from 'aws-cdk-lib'
import { AttributeType } from 'aws-cdk-lib/aws-dynamodb'
import { Construct } from 'constructs'
import { type Environment, NONE } from '../shared/environment.ts'
import { BODIES_PREFIX, BUNDLES_PREFIX, DISCARDED_PREFIX, UNCOLLECTED_PREFIX } from '../shared/quarantine.ts'
import { rejections } from '../shared/rejections.ts'
import type { AlarmPlan, LogGraph, Monitored } from './alarm-topic.ts'
import type { FailureDestination, LambdaFunction } from './lambda-function.ts'
import type { Settings } from './settings-types.ts'
import { type AccessLogs, DataBucket, DataTable } from './stores.ts'
import { wholeDays } from './whole-number.ts'

/** Codes of single events, and of NDJSON lines that are not JSON. */
const codes = Object.entries(rejections).flatMap(([code, { status }]) =>
  status === 200 || code === 'malformed_json' ? [code] : [],
)

/** DynamoDB deletes an expired item within some days. Its object must not be gone before. */
const ITEM_DELETION = Duration.days(7)

/** The store of rejected events with their reasons, ready to be replayed. Bundles and bodies too large for the table are in the bucket. */
export class Quarantine extends Construct implements Monitored, FailureDestination {
  readonly table: DataTable
  /** Also the failure destination of all stream readers. */
  readonly bucket: DataBucket
  readonly environment: Pick<Environment<'replay'>, 'QUARANTINE_TABLE' | 'QUARANTINE_BUCKET'>
  /** For functions that add to it. */
  readonly writerEnvironment: Pick<Environment<'ingest'>, 'QUARANTINE_TABLE' | 'QUARANTINE_BUCKET' | 'QUARANTINE_DAYS'>
  readonly alarms: readonly AlarmPlan[] = []
  private readonly writers: LambdaFunction[] = []
  private readonly readers = new Set<LambdaFunction>()

  constructor(scope: Construct, { settings, accessLogs }: { settings: Settings; accessLogs: AccessLogs | undefined }) {
    super(scope, 'Quarantine')
    this.table = new DataTable(this, settings, {
      partitionKey: { name: 'key', type: AttributeType.STRING },
      timeToLiveAttribute: 'ttl',
    })
    const expiry = expiryOf(settings)
    this.bucket = new DataBucket(this, 'Bucket', {
      settings,
      accessLogs,
      expiring:
        expiry === 'none'
          ? []
          : [BODIES_PREFIX, BUNDLES_PREFIX].map(prefix => ({ prefix, expiration: expiry.plus(ITEM_DELETION) })),
    })
    this.environment = { QUARANTINE_TABLE: this.table.tableName, QUARANTINE_BUCKET: this.bucket.bucketName }
    this.writerEnvironment = {
      ...this.environment,
      QUARANTINE_DAYS: expiry === 'none' ? NONE : wholeDays('quarantine.expiry', expiry, { least: 1 }),
    }
  }

  /** By code, from the log lines of all writers. A metric for each code would cost more than all the lines. */
  get graphs(): readonly LogGraph[] {
    const sums = codes.map(code => `sum(codes.${code}) as ${code}`)
    return [
      {
        title: 'Quarantine: events by code',
        logGroups: this.writers.map(fn => fn.logGroup),
        query: [`stats ${sums.join(', ')} by bin(5m)`],
      },
    ]
  }

  allowAdd(...functions: readonly LambdaFunction[]): void {
    this.writers.push(...functions)
    for (const fn of functions) {
      fn.allow(['dynamodb:UpdateItem'], this.table.tableArn)
      // A stream reader may write to the whole bucket.
      const prefixes = this.readers.has(fn) ? [] : [BODIES_PREFIX, UNCOLLECTED_PREFIX]
      for (const prefix of prefixes) this.allowBelow(fn, ['s3:PutObject'], prefix)
    }
  }

  /** Lets ingest add the rejected events of requests. */
  allowAddRequests(ingest: LambdaFunction): void {
    this.writers.push(ingest)
    ingest.allow(['dynamodb:UpdateItem'], this.table.tableArn)
    // Of a body it keeps 64 KB at most, which an item can hold.
    this.allowBelow(ingest, ['s3:PutObject'], BUNDLES_PREFIX)
  }

  allowList(query: LambdaFunction): void {
    query.allow(['dynamodb:Scan', 'dynamodb:BatchGetItem'], this.table.tableArn)
    query.allow(['s3:ListBucket'], this.bucket.bucketArn)
    this.allowBelow(query, ['s3:GetObject'], BUNDLES_PREFIX)
  }

  /** Lets Lambda store the batches that a reader could not process. Lambda documents rights on the whole bucket, not on its prefix. */
  allowFailureDestination(reader: LambdaFunction): void {
    this.readers.add(reader)
    this.allowBelow(reader, ['s3:PutObject'], '')
    reader.allow(['s3:ListBucket'], this.bucket.bucketArn)
  }

  /** Lets a function read quarantined events, delete them and update their rejection. */
  allowReplay(replay: LambdaFunction): void {
    replay.allow(['dynamodb:GetItem', 'dynamodb:DeleteItem', 'dynamodb:UpdateItem'], this.table.tableArn)
    this.allowTake(replay, BODIES_PREFIX)
    // Without it, S3 does not say that an object does not exist: it denies access.
    replay.allow(['s3:ListBucket'], this.bucket.bucketArn)
  }

  /** Lets a function move failures from the bucket into the table, and turn bundles into items. */
  allowCollect(collect: LambdaFunction): void {
    this.allowAdd(collect)
    collect.allow(['dynamodb:GetItem', 'dynamodb:DeleteItem'], this.table.tableArn)
    collect.allow(['s3:ListBucket'], this.bucket.bucketArn)
    for (const prefix of [UNCOLLECTED_PREFIX, DISCARDED_PREFIX, BUNDLES_PREFIX]) this.allowTake(collect, prefix)
  }

  private allowTake(fn: LambdaFunction, prefix: string): void {
    this.allowBelow(fn, ['s3:GetObject', 's3:DeleteObject'], prefix)
  }

  private allowBelow(fn: LambdaFunction, actions: readonly string[], prefix: string): void {
    const reason = 'The bucket contains only quarantined data, and the names of its objects are not known beforehand.'
    fn.allow(actions, this.bucket.arnForObjects(`${prefix}*`), reason)
  }
}

/** A stream may deliver an event again as long as it keeps it, and `status` compares its events with the quarantine. */
function expiryOf({ quarantine: { expiry }, stream: { retention } }: Settings): Duration | 'none' {
  const least = retention.plus(Duration.days(1))
  if (expiry === 'none' || expiry.toSeconds() >= least.toSeconds()) return expiry
  throw new Error(
    `quarantine.expiry is ${expiry.toHumanString()}, but the stream keeps events for ${retention.toHumanString()}. Set it to ${Math.ceil(least.toHours({ integral: false }) / 24)} days or more in infra/settings.ts.`,
  )
}
