import { FilterCriteria, FilterRule } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import { USER_ITEM } from '../shared/state.ts'
import { type AlarmPlan, type Graph, type Monitored, productMetric } from './alarm-topic.ts'
import { delayGraph, failureGraph } from './graphs.ts'
import { LambdaFunction } from './lambda-function.ts'
import type { Quarantine } from './quarantine.ts'
import type { Settings } from './settings.ts'
import { expiry, type State } from './state.ts'

export interface WindowsProps {
  readonly state: State
  readonly quarantine: Quarantine
  readonly settings: Settings
}

/** Changed states become windows: of a user, and over all users. */
export class Windows extends Construct implements Monitored {
  readonly function: LambdaFunction<'windows'>
  readonly alarms: readonly AlarmPlan[]
  readonly graphs: readonly Graph[]

  constructor(scope: Construct, { state, quarantine, settings }: WindowsProps) {
    super(scope, 'Windows')
    this.function = new LambdaFunction(this, 'Function', {
      name: 'windows',
      about: 'Adds what each write of a state contributes to windows, once.',
      entry: 'lambdas/windows/windows.lambda.ts',
      environment: { STATE_TABLE: state.table.tableName, ...quarantine.environment, ...expiry(settings) },
      settings,
    })
    this.function.readChanges(state.table, {
      batch: settings.windows,
      onFailure: quarantine,
      filters: [FilterCriteria.filter({ dynamodb: { Keys: { sk: { S: FilterRule.isEqual(USER_ITEM) } } } })],
    })
    const slotTooLarge = productMetric('windows', 'SlotTooLarge')
    const refused = productMetric('windows', 'EventsQuarantined')
    this.alarms = [
      this.function.alarmOnErrors('Windows cannot be written; the stream of changes waits.', 3),
      ...this.function.alarmsOnDelay('Windows are behind the states; after 23 hours their changes go to the quarantine.'),
      {
        name: 'slot-too-large',
        about: 'A window slot is near the item size limit.',
        metric: slotTooLarge,
        atLeast: 1,
        periods: 1,
      },
      {
        name: 'windows-refused',
        about: 'Windows cannot take in what events add to them; that is put aside.',
        metric: refused,
        atLeast: 1,
        periods: 1,
      },
    ]
    this.graphs = [
      {
        title: 'How much is merged into windows?',
        unit: 'contributions',
        metrics: [productMetric('windows', 'ContributionsMerged'), refused],
      },
      delayGraph('How far behind are the windows?', this.function),
      failureGraph(
        'What do windows fail at, or do twice?',
        [this.function],
        [productMetric('windows', 'Conflicts'), slotTooLarge],
      ),
    ]
  }
}
