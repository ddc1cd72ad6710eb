import { Duration } from 'aws-cdk-lib'
import { AttributeType } from 'aws-cdk-lib/aws-dynamodb'
import { Construct } from 'constructs'
import type { LambdaFunction } from './lambda-function.ts'
import { every } from './schedule.ts'
import type { Settings } from './settings-types.ts'
import { DataTable } from './stores.ts'

/** How long a job waits at most for the next invocation of its function. */
const CONTINUE_INTERVAL = Duration.minutes(1)

/** The jobs of a stage: how far each is, and where its next step begins. The functions of the parts do the steps. */
export class Jobs extends Construct {
  readonly table: DataTable

  constructor(scope: Construct, settings: Settings) {
    super(scope, 'Jobs')
    this.table = new DataTable(this, settings, {
      partitionKey: { name: 'kind', type: AttributeType.STRING },
      sortKey: { name: 'number', type: AttributeType.NUMBER },
      timeToLiveAttribute: 'expires',
    })
  }

  /** Lets a function run jobs, and invokes it every minute, so that a job needs nobody who waits for it. */
  run(scope: Construct, fn: LambdaFunction): void {
    fn.allow(['dynamodb:Query', 'dynamodb:PutItem'], this.table.tableArn)
    every(scope, 'Continue', fn, CONTINUE_INTERVAL)
  }

  allowRead(query: LambdaFunction): void {
    query.allow(['dynamodb:GetItem'], this.table.tableArn)
  }
}
