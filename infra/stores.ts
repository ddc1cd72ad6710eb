import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib'
import { BillingMode, Table, type TableOptions } from 'aws-cdk-lib/aws-dynamodb'
import { BlockPublicAccess, Bucket, BucketEncryption, type BucketProps } from 'aws-cdk-lib/aws-s3'
import type { Construct } from 'constructs'
import type { CapacityRange, Settings } from './settings-types.ts'

const TARGET_UTILIZATION_PERCENT = 70

/** A table with encryption by AWS. The stage decides its recovery and its protection from deletion. */
export class DataTable extends Table {
  constructor(scope: Construct, settings: Settings, props: TableOptions, capacity: Settings['state']['capacity'] = 'on-demand') {
    const isKept = settings.removal !== RemovalPolicy.DESTROY
    super(scope, 'Table', {
      ...(capacity === 'on-demand'
        ? { billingMode: BillingMode.PAY_PER_REQUEST }
        : { readCapacity: capacity.read.min, writeCapacity: capacity.write.min }),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: settings.pointInTimeRecovery },
      // A protected table cannot be deleted after a first deployment that failed, and its deletion would fail the roll-back. Empty, it costs nothing.
      removalPolicy: isKept ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
      deletionProtection: isKept,
      ...props,
    })
    if (capacity !== 'on-demand') this.scale(capacity)
    if (!settings.pointInTimeRecovery)
      Validations.of(this).acknowledge({
        id: 'AwsSolutions-DDB3',
        reason: 'This stage holds test data that can be sent again.',
      })
  }

  private scale({ read, write }: Readonly<Record<'read' | 'write', CapacityRange>>): void {
    const target = { targetUtilizationPercent: TARGET_UTILIZATION_PERCENT }
    this.autoScaleReadCapacity({ minCapacity: read.min, maxCapacity: read.max }).scaleOnUtilization(target)
    this.autoScaleWriteCapacity({ minCapacity: write.min, maxCapacity: write.max }).scaleOnUtilization(target)
  }
}

/** A private, encrypted bucket that accepts TLS only. */
class PrivateBucket extends Bucket {
  constructor(scope: Construct, id: string, settings: Settings, props: BucketProps) {
    super(scope, id, {
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      removalPolicy: settings.removal,
      ...props,
    })
  }

  // The base class types this as optional, so with exactOptionalPropertyTypes it is no IBucket.
  override get isWebsite(): boolean {
    return super.isWebsite ?? false
  }
}

/** The bucket with the access logs of all other buckets, kept for 90 days. */
export class AccessLogs extends PrivateBucket {
  constructor(scope: Construct, settings: Settings) {
    super(scope, 'AccessLogs', settings, { lifecycleRules: [{ expiration: Duration.days(90) }] })
  }
}

export interface DataBucketProps {
  readonly settings: Settings
  readonly accessLogs: AccessLogs | undefined
  /** Objects that are deleted some time after they were written. */
  readonly expiring?: readonly { readonly prefix: string; readonly expiration: Duration }[]
}

/** A bucket for data, with access logs if the stage has them. It has no versioning, so that erased data is gone. */
export class DataBucket extends PrivateBucket {
  constructor(scope: Construct, id: string, { settings, accessLogs, expiring = [] }: DataBucketProps) {
    super(scope, id, settings, {
      ...(accessLogs && { serverAccessLogsBucket: accessLogs, serverAccessLogsPrefix: `${scope.node.id}/` }),
      lifecycleRules: [{ abortIncompleteMultipartUploadAfter: Duration.days(7) }, ...expiring],
    })
    if (!accessLogs)
      Validations.of(this).acknowledge({
        id: 'AwsSolutions-S1',
        reason: 'This stage has no log of accesses, because S3 fills its bucket again while the stage is deleted.',
      })
  }
}
