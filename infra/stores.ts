import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib'
import { BillingMode, Table, type TableOptions } from 'aws-cdk-lib/aws-dynamodb'
import { BlockPublicAccess, Bucket, BucketEncryption, type BucketProps } from 'aws-cdk-lib/aws-s3'
import type { Construct } from 'constructs'
import type { Settings } from './settings.ts'

/** A table with on-demand capacity and encryption by AWS. The stage decides its recovery and its protection from deletion. */
export class DataTable extends Table {
  constructor(scope: Construct, settings: Settings, props: TableOptions) {
    super(scope, 'Table', {
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: settings.pointInTimeRecovery },
      removalPolicy: settings.removal,
      deletionProtection: settings.removal === RemovalPolicy.RETAIN,
      ...props,
    })
    if (!settings.pointInTimeRecovery)
      Validations.of(this).acknowledge({
        id: 'AwsSolutions-DDB3',
        reason: 'This stage holds test data that can be sent again.',
      })
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

/** The access logs of all other buckets, kept for 90 days. */
export class AccessLogs extends PrivateBucket {
  constructor(scope: Construct, settings: Settings) {
    super(scope, 'AccessLogs', settings, { lifecycleRules: [{ expiration: Duration.days(90) }] })
  }
}

export interface DataBucketProps {
  readonly settings: Settings
  readonly accessLogs: AccessLogs
  /** Objects that are deleted some time after they were written. */
  readonly expiring?: { readonly prefix: string; readonly expiration: Duration }
}

/** A bucket for data, with access logs. It has no versioning, so that erased data is gone. */
export class DataBucket extends PrivateBucket {
  constructor(scope: Construct, id: string, { settings, accessLogs, expiring }: DataBucketProps) {
    super(scope, id, settings, {
      serverAccessLogsBucket: accessLogs,
      serverAccessLogsPrefix: `${scope.node.id}/`,
      lifecycleRules: [{ abortIncompleteMultipartUploadAfter: Duration.days(7) }, ...(expiring ? [expiring] : [])],
    })
  }
}
