import { AttributeType } from 'aws-cdk-lib/aws-dynamodb'
import { Construct } from 'constructs'
import type { Environment } from '../shared/environment.ts'
import type { LambdaFunction } from './lambda-function.ts'
import type { Settings } from './settings.ts'
import { type AccessLogs, DataBucket, DataTable } from './stores.ts'

/** Single events kept aside with their reason, replayable; bodies too big for the table lie in the bucket. */
export class Quarantine extends Construct {
  readonly table: DataTable
  /** Also the last net under every function that reads a stream: records that expire unread are kept here whole. */
  readonly bucket: DataBucket
  readonly environment: Pick<Environment<'ingest'>, 'QUARANTINE_TABLE' | 'QUARANTINE_BUCKET'>

  constructor(scope: Construct, { settings, accessLogs }: { settings: Settings; accessLogs: AccessLogs }) {
    super(scope, 'Quarantine')
    this.table = new DataTable(this, settings, {
      partitionKey: { name: 'key', type: AttributeType.STRING },
    })
    this.bucket = new DataBucket(this, 'Bucket', { settings, accessLogs })
    this.environment = { QUARANTINE_TABLE: this.table.tableName, QUARANTINE_BUCKET: this.bucket.bucketName }
  }

  allowAdd(...functions: readonly LambdaFunction[]): void {
    for (const fn of functions) {
      fn.allow(['dynamodb:UpdateItem'], this.table.tableArn)
      this.allowPutObject(fn)
    }
  }

  /** Lets Lambda leave a reader's expired records here. */
  allowCatch(reader: LambdaFunction): void {
    this.allowPutObject(reader)
    reader.allow(['s3:ListBucket'], this.bucket.bucketArn)
  }

  private allowPutObject(fn: LambdaFunction): void {
    const reason = 'The bucket holds nothing but quarantine, and object keys are not known beforehand.'
    fn.allow(['s3:PutObject'], this.bucket.arnForObjects('*'), reason)
  }
}
