import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib'
import { BillingMode, Table, type TableOptions } from 'aws-cdk-lib/aws-dynamodb'
import { BlockPublicAccess, Bucket, BucketEncryption, type BucketProps } from 'aws-cdk-lib/aws-s3'
import type { Construct } from 'constructs'
import type { Settings } from './settings.ts'

/** A table on demand, encrypted by AWS, as protected as its stage. */
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
        reason: 'What this stage holds is for trying and can be sent again.',
      })
  }
}

/** A private, encrypted bucket that is reached by TLS only. */
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

  // Typed as optional by the construct, which then would not be the IBucket that other constructs ask for.
  override get isWebsite(): boolean {
    return super.isWebsite ?? false
  }
}

/** Who read or wrote which object of the other buckets, for 90 days. */
export class AccessLogs extends PrivateBucket {
  constructor(scope: Construct, settings: Settings) {
    super(scope, 'AccessLogs', settings, { lifecycleRules: [{ expiration: Duration.days(90) }] })
  }
}

/** A bucket for data; its accesses are logged. Without versions, so that what is erased is gone. */
export class DataBucket extends PrivateBucket {
  constructor(scope: Construct, id: string, { settings, accessLogs }: { settings: Settings; accessLogs: AccessLogs }) {
    super(scope, id, settings, {
      serverAccessLogsBucket: accessLogs,
      serverAccessLogsPrefix: `${scope.node.id}/`,
      lifecycleRules: [{ abortIncompleteMultipartUploadAfter: Duration.days(7) }],
    })
  }
}
