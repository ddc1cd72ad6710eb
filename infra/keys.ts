import { AttributeType } from 'aws-cdk-lib/aws-dynamodb'
import { Construct } from 'constructs'
import type { LambdaFunction } from './lambda-function.ts'
import type { Settings } from './settings.ts'
import { DataTable } from './stores.ts'

/** The SHA-256 of every write, read and admin key. Only the CLI writes here, with the AWS credentials of the operator. */
export class Keys extends Construct {
  readonly table: DataTable

  constructor(scope: Construct, settings: Settings) {
    super(scope, 'Keys')
    this.table = new DataTable(this, settings, {
      partitionKey: { name: 'hash', type: AttributeType.STRING },
    })
  }

  allowFind(...functions: readonly LambdaFunction[]): void {
    for (const fn of functions) fn.allow(['dynamodb:GetItem'], this.table.tableArn)
  }
}
