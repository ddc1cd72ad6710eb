import { AttributeType } from 'aws-cdk-lib/aws-dynamodb'
import { Construct } from 'constructs'
import type { LambdaFunction } from './lambda-function.ts'
import type { Settings } from './settings-types.ts'
import { DataTable } from './stores.ts'

/** The SHA-256 and the rights of every key. Only the CLI writes them, with the AWS credentials of the operator. */
export class Keys extends Construct {
  readonly table: DataTable
  /** What functions note about keys: when each was last used, and how much of its quota is spent. */
  readonly use: DataTable

  constructor(scope: Construct, settings: Settings) {
    super(scope, 'Keys')
    this.table = new DataTable(this, settings, {
      partitionKey: { name: 'hash', type: AttributeType.STRING },
    })
    this.use = new DataTable(new Construct(this, 'Use'), settings, { partitionKey: { name: 'id', type: AttributeType.STRING } })
  }

  allowFind(...functions: readonly LambdaFunction[]): void {
    for (const fn of functions) {
      fn.allow(['dynamodb:GetItem'], this.table.tableArn)
      fn.allow(['dynamodb:UpdateItem'], this.use.tableArn)
    }
  }

  /** Lets a function read the rights of all keys. */
  allowList(replay: LambdaFunction): void {
    replay.allow(['dynamodb:Scan'], this.table.tableArn)
  }
}
