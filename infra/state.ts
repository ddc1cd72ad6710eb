import { Aws } from 'aws-cdk-lib'
import { type Metric, SearchExpression } from 'aws-cdk-lib/aws-cloudwatch'
import { AttributeType, StreamViewType } from 'aws-cdk-lib/aws-dynamodb'
import { Construct } from 'constructs'
import { type Environment, NONE } from '../shared/environment.ts'
import { MAX_EVENTS_PER_REQUEST } from '../shared/limits.ts'
import type { MetricName } from '../shared/metrics.ts'
import { type AlarmPlan, type Graph, type Monitored, period, productMetric } from './alarm-topic.ts'
import { failureGraph, lagGraph } from './graphs.ts'
import { LambdaFunction } from './lambda-function.ts'
import type { Quarantine } from './quarantine.ts'
import type { Settings } from './settings-types.ts'
import type { SilencePlan, Source } from './silent-readers.ts'
import { DataTable } from './stores.ts'
import type { EventStream } from './stream.ts'
import { wholeDays, wholeHours, wholeMinutes, wholeNumber } from './whole-number.ts'

export interface StateProps {
  readonly stream: EventStream
  readonly quarantine: Quarantine
  readonly settings: Settings
}

const count = (metric: MetricName): Metric => productMetric('state', metric)

/** One line for each shard that has values. An alarm cannot have such an expression. */
const eachShard = (metric: MetricName): SearchExpression =>
  new SearchExpression({
    expression: `SEARCH('{"${Aws.STACK_NAME}",service,shard} service="state" MetricName="${metric}"', 'Sum', ${period.toSeconds()})`,
    label: `\${PROP('Dim.shard')}`,
    period,
  })

/** How late an event may be, which decides when a window may expire. */
export const lateness = ({ state }: Settings): Pick<Environment<'windows'>, 'LATENESS_HOURS'> => ({
  LATENESS_HOURS: state.lateness === NONE ? NONE : wholeHours('state.lateness', state.lateness, { least: 0 }),
})

type MemoryVariables = 'IDENTITY_MINUTES' | 'IDENTITY_COUNT' | 'IDENTITY_DAYS'

/** A client that gets no response sends a request again, at the latest after so long. */
const LEAST_WINDOW_MINUTES = 15
const MAX_MEMORY_DAYS = 30

/** How long, and how many, identities of a user are remembered. Throws an error of one line for what is not allowed. */
export const identityMemory = ({ state: { identities } }: Settings): Pick<Environment<'state'>, MemoryVariables> => ({
  IDENTITY_MINUTES: wholeMinutes('state.identities.window', identities.window, { least: LEAST_WINDOW_MINUTES }),
  IDENTITY_COUNT: wholeNumber('state.identities.count', identities.count, { unit: 'identities', least: MAX_EVENTS_PER_REQUEST }),
  IDENTITY_DAYS: wholeDays('state.identities.memory', identities.memory, { least: 1, most: MAX_MEMORY_DAYS }),
})

/** Folds events into states. The table holds one item for each user, written conditionally, and has a stream of its changes. */
export class State extends Construct implements Monitored {
  readonly table: DataTable
  /** Pages of identities. Their changes do not reach the readers of the state table's stream. */
  readonly pages: DataTable
  readonly function: LambdaFunction<'state'>
  /** The stream of the table's changes, for alarms on readers that read nothing. */
  readonly source: Source
  readonly alarms: readonly (AlarmPlan | SilencePlan)[]
  readonly graphs: readonly Graph[]

  constructor(scope: Construct, { stream, quarantine, settings }: StateProps) {
    super(scope, 'State')
    const table = {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      timeToLiveAttribute: 'ttl',
      stream: StreamViewType.NEW_AND_OLD_IMAGES,
    }
    this.table = new DataTable(this, settings, table, settings.state.capacity)
    this.pages = new DataTable(new Construct(this, 'Pages'), settings, {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      timeToLiveAttribute: 'ttl',
    })
    this.function = new LambdaFunction(this, 'Function', {
      name: 'state',
      about: 'Folds the events of each user into the state of that user, in order and each event once.',
      entry: 'lambdas/state/state.lambda.ts',
      environment: {
        STATE_TABLE: this.table.tableName,
        ...quarantine.writerEnvironment,
        ...identityMemory(settings),
        PAGES_TABLE: this.pages.tableName,
        RETRY_BUDGET_SECONDS: String(settings.state.retryBudget.toSeconds()),
        ...lateness(settings),
      },
      settings,
    })
    this.function.readKinesis(stream.stream, settings.stream.retention, { batch: settings.state.batch, onFailure: quarantine })
    // Every written item is a record of the table's stream, also the position that the state function writes for each batch.
    this.source = { name: 'state-table', arrived: this.table.metricConsumedWriteCapacityUnits({ statistic: 'Sum' }) }
    this.alarms = [
      ...this.planAlarms(),
      ...this.function.alarmOnSilence(
        stream.source,
        'States are not updated. Unread events go to the quarantine before they expire.',
      ),
    ]
    this.graphs = this.planGraphs()
  }

  private throttled(access: 'Read' | 'Write'): Metric {
    return this.table.metric(`${access}ThrottleEvents`, { period, statistic: 'Sum' })
  }

  private planAlarms(): AlarmPlan[] {
    return [
      {
        name: 'state-table-throttled',
        severity: 'ticket',
        about:
          'DynamoDB throttles writes of states and windows, for longer than a burst. Lambda retries them; states and windows fall behind.',
        metric: this.throttled('Write'),
        atLeast: 100,
        periods: 3,
      },
      {
        name: 'user-throttled',
        severity: 'ticket',
        about:
          'DynamoDB throttles the items of some users for 10 minutes or more. The state function waits for them, and so do the later events of their shards; nothing is quarantined. Which shards: dimension shard of this metric, graph "State function: throttled folds by shard".',
        metric: count('FoldsThrottled'),
        atLeast: 1,
        periods: 3,
      },
      this.function.alarmOnErrors(
        'page',
        'The state function fails on whole batches and Lambda retries them. Nothing is lost; states fall behind the event stream.',
        3,
      ),
      {
        name: 'projection-failing',
        severity: 'page',
        about:
          'The state function quarantines events: a projection threw, a state is too large, the function did not survive an event, or a line of the stream is unreadable. The states miss these events until a replay.',
        metric: count('EventsQuarantined'),
        atLeast: 1,
        periods: 1,
      },
      {
        name: 'lookups-skipped',
        severity: 'ticket',
        about:
          'Folds leave out pages of identities, because the stated times of the events are in too many, or because the pages expired while records waited. An event that is sent again may count twice in states and windows.',
        metric: count('LookupsSkipped'),
        atLeast: 100,
        periods: 3,
      },
      ...this.function.alarmsOnDelay(
        'States are behind the event stream. Unread events go to the quarantine an hour before they expire from the stream.',
      ),
      this.function.alarmOnLostFailures(
        'The archive has the events, and states, windows and documents miss them until they are sent again.',
      ),
    ]
  }

  private planGraphs(): Graph[] {
    return [
      {
        title: 'States: events folded, repeated, late, quarantined',
        unit: 'events',
        metrics: [count('EventsFolded'), count('EventsRepeated'), count('EventsLate'), count('EventsQuarantined')],
      },
      {
        title: 'States: pages of identities that folds left out',
        unit: 'pages',
        metrics: [count('LookupsSkipped')],
      },
      lagGraph('State function: lag', this.function),
      {
        title: 'State function: throttled folds by shard',
        unit: 'folds',
        metrics: [count('FoldsThrottled').with({ label: 'all shards' }), eachShard('FoldsThrottled')],
      },
      failureGraph(
        'State function: errors, throttles, conflicts, retries',
        [this.function],
        [count('Conflicts'), count('Retries'), this.throttled('Write'), this.throttled('Read')],
      ),
    ]
  }

  allowFold(state: LambdaFunction): void {
    const actions = ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem']
    state.allow(actions, this.table.tableArn)
    state.allow(['dynamodb:BatchGetItem', 'dynamodb:PutItem'], this.pages.tableArn)
  }

  /** Lets a function find out which events of a batch were folded, and mark those that were passed over as quarantined. */
  allowJudge(collect: LambdaFunction): void {
    collect.allow(['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:UpdateItem'], this.table.tableArn)
    collect.allow(['dynamodb:BatchGetItem'], this.pages.tableArn)
  }

  /**
   * The windows function reads and puts windows one by one, with conditional writes, and so the lateness bound. It marks events that
   * a write passed over as quarantined.
   */
  allowDerive(windows: LambdaFunction): void {
    const reads = ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:Query']
    const writes = ['dynamodb:DeleteItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem']
    windows.allow([...reads, ...writes], this.table.tableArn)
  }

  /** Lets a function merge a delta into a window that passed it over. */
  allowMerge(replay: LambdaFunction): void {
    replay.allow(['dynamodb:DeleteItem', 'dynamodb:GetItem', 'dynamodb:PutItem'], this.table.tableArn)
  }

  /** Lets a function read the whole table in parts, and the lateness bound. */
  allowScan(reindex: LambdaFunction): void {
    reindex.allow(['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:Scan'], this.table.tableArn)
  }

  allowRead(query: LambdaFunction): void {
    query.allow(['dynamodb:GetItem', 'dynamodb:Query'], this.table.tableArn)
  }

  /** Lets a function read all parts of a window over all users. */
  allowReadParts(documents: LambdaFunction): void {
    documents.allow(['dynamodb:Query'], this.table.tableArn)
  }
}
