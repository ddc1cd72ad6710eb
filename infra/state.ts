import { AttributeType, StreamViewType } from 'aws-cdk-lib/aws-dynamodb'
import { Construct } from 'constructs'
import { type Environment, NONE } from '../shared/environment.ts'
import type { MetricName } from '../shared/metrics.ts'
import { type AlarmPlan, type Graph, type Monitored, period, productMetric } from './alarm-topic.ts'
import { delayGraph, failureGraph } from './graphs.ts'
import { LambdaFunction, TABLE_STREAM_RETENTION } from './lambda-function.ts'
import type { Quarantine } from './quarantine.ts'
import type { Settings } from './settings.ts'
import { DataTable } from './stores.ts'
import type { EventStream } from './stream.ts'

export interface StateProps {
  readonly stream: EventStream
  readonly quarantine: Quarantine
  readonly settings: Settings
}

/** What decides when an item may expire: how late events still count, and how long both streams may bring old records again. */
export const expiry = ({ state, stream }: Settings): Pick<Environment<'windows'>, 'LATENESS_HOURS' | 'RETENTION_HOURS'> => ({
  LATENESS_HOURS: state.lateness === NONE ? NONE : String(state.lateness.toHours()),
  RETENTION_HOURS: String(stream.retention.toHours() + TABLE_STREAM_RETENTION.toHours()),
})

/** Events become the state of their user: one item a user, written on condition, and the stream of its changes. */
export class State extends Construct implements Monitored {
  readonly table: DataTable
  readonly function: LambdaFunction<'state'>
  readonly alarms: readonly AlarmPlan[]
  readonly graphs: readonly Graph[]

  constructor(scope: Construct, { stream, quarantine, settings }: StateProps) {
    super(scope, 'State')
    this.table = new DataTable(this, settings, {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      timeToLiveAttribute: 'ttl',
      stream: StreamViewType.NEW_AND_OLD_IMAGES,
    })
    this.function = new LambdaFunction(this, 'Function', {
      name: 'state',
      about: 'Folds the events of each user, in order and once, into the state of that user.',
      entry: 'lambdas/state/state.lambda.ts',
      environment: {
        STATE_TABLE: this.table.tableName,
        ...quarantine.environment,
        IDENTITY_MINUTES: String(settings.state.identityWindow.toMinutes()),
        IDENTITY_COUNT: String(settings.state.identityCount),
        RETRY_BUDGET_SECONDS: String(settings.state.retryBudget.toSeconds()),
        ...expiry(settings),
      },
      settings,
    })
    this.function.readKinesis(stream.stream, settings.stream.retention, { batch: settings.state.batch, onFailure: quarantine })
    const count = (metric: MetricName) => productMetric('state', metric)
    const throttled = this.table.metric('WriteThrottleEvents', { period, statistic: 'Sum' })
    this.alarms = [
      {
        name: 'state-table-throttled',
        about: 'DynamoDB refuses writes of states and windows.',
        metric: throttled,
        atLeast: 100,
        periods: 3,
      },
      this.function.alarmOnErrors('Batches of the event stream fail as a whole and are tried again.', 3),
      {
        name: 'projection-failing',
        about: 'Events are put aside because a projection threw, a state grew too large or the retry budget was spent.',
        metric: count('EventsQuarantined'),
        atLeast: 1,
        periods: 1,
      },
      ...this.function.alarmsOnDelay('States are behind the event stream.'),
    ]
    this.graphs = [
      {
        title: 'How many events are folded into states?',
        unit: 'events',
        metrics: [count('EventsFolded'), count('EventsRepeated'), count('EventsLate'), count('EventsQuarantined')],
      },
      delayGraph('How far behind are the states?', this.function),
      failureGraph(
        'What do states fail at, or do twice?',
        [this.function],
        [count('Conflicts'), count('Retries'), throttled, this.table.metric('ReadThrottleEvents', { period, statistic: 'Sum' })],
      ),
    ]
  }

  allowFold(state: LambdaFunction): void {
    const actions = ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem']
    state.allow(actions, this.table.tableArn)
  }

  /** Windows are read and put one by one, each on condition. */
  allowDerive(windows: LambdaFunction): void {
    windows.allow(['dynamodb:GetItem', 'dynamodb:PutItem'], this.table.tableArn)
  }

  /** The whole table, in parts. */
  allowScan(reindex: LambdaFunction): void {
    reindex.allow(['dynamodb:BatchGetItem', 'dynamodb:Query', 'dynamodb:Scan'], this.table.tableArn)
  }

  allowRead(...functions: readonly LambdaFunction[]): void {
    for (const fn of functions) fn.allow(['dynamodb:GetItem', 'dynamodb:Query'], this.table.tableArn)
  }
}
