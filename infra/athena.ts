import { Aws } from 'aws-cdk-lib'
import { CfnWorkGroup } from 'aws-cdk-lib/aws-athena'
import { Construct } from 'constructs'
import { stackName } from '../shared/outputs.ts'
import { ATHENA_PREFIX } from '../shared/report.ts'
import type { Archive } from './archive.ts'
import type { LambdaFunction } from './lambda-function.ts'
import type { Settings } from './settings-types.ts'

export interface AthenaProps {
  readonly stage: string
  readonly archive: Archive
  readonly settings: Settings
}

/** Athena as the engine of the reports: a workgroup whose queries cannot choose where results are stored, nor read without limit. */
export class Athena extends Construct {
  readonly workgroup: string
  private readonly arn: string
  private readonly archive: Archive

  constructor(scope: Construct, { stage, archive, settings }: AthenaProps) {
    super(scope, 'Athena')
    this.workgroup = stackName(stage)
    this.archive = archive
    this.arn = `arn:${Aws.PARTITION}:athena:${Aws.REGION}:${Aws.ACCOUNT_ID}:workgroup/${this.workgroup}`
    new CfnWorkGroup(this, 'Workgroup', {
      name: this.workgroup,
      description: 'Queries of the reports.',
      recursiveDeleteOption: true,
      workGroupConfiguration: {
        engineVersion: { selectedEngineVersion: 'Athena engine version 3' },
        enforceWorkGroupConfiguration: true,
        bytesScannedCutoffPerQuery: settings.reports.scanLimit.toBytes(),
        resultConfiguration: {
          outputLocation: `s3://${archive.bucket.bucketName}/${ATHENA_PREFIX}results/`,
          expectedBucketOwner: Aws.ACCOUNT_ID,
          encryptionConfiguration: { encryptionOption: 'SSE_S3' },
        },
      },
    })
  }

  /** Lets a function run queries over the archive. Athena reads and writes with the rights of the function. */
  allowQuery(reports: LambdaFunction): void {
    const actions = ['StartQueryExecution', 'GetQueryExecution', 'GetQueryResults', 'StopQueryExecution']
    reports.allow(
      actions.map(action => `athena:${action}`),
      this.arn,
    )
    this.archive.allowQuery(reports)
  }
}
