import { FilterCriteria, FilterRule } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import type { Environment } from '../shared/environment.ts'
import { USER_ITEM } from '../shared/state.ts'
import { type AlarmPlan, type Graph, type Monitored, productMetric } from './alarm-topic.ts'
import { failureGraph, lagGraph } from './graphs.ts'
import { LambdaFunction } from './lambda-function.ts'
import type { Quarantine } from './quarantine.ts'
import type { Settings } from './settings-types.ts'
import type { SilencePlan } from './silent-readers.ts'
import { lateness, type State } from './state.ts'
import { wholeMinutes } from './whole-number.ts'

export interface WindowsProps {
  readonly state: State
  readonly quarantine: Quarantine
  readonly settings: Settings
}

/** Longer than CloudFormation takes to update the functions of a stage. The stream of the table keeps a change for a day. */
const MAX_DEPLOYMENT_WAIT_MINUTES = 60

/** How long changes wait for a projection that a deployment brings. Throws an error of one line for a wait that is not allowed. */
export const deploymentWait = ({ deploymentWait: wait }: Settings): Pick<Environment<'windows'>, 'DEPLOYMENT_WAIT_MINUTES'> => ({
  DEPLOYMENT_WAIT_MINUTES: wholeMinutes('deploymentWait', wait, { least: 1, most: MAX_DEPLOYMENT_WAIT_MINUTES }),
})

/** Merges the deltas of changed states into windows: of one user, and over all users. */
export class Windows extends Construct implements Monitored {
  readonly function: LambdaFunction<'windows'>
  readonly alarms: readonly (AlarmPlan | SilencePlan)[]
  readonly graphs: readonly Graph[]

  constructor(scope: Construct, { state, quarantine, settings }: WindowsProps) {
    super(scope, 'Windows')
    this.function = new LambdaFunction(this, 'Function', {
      name: 'windows',
      about: 'Merges the deltas of each state write into windows, each delta once.',
      entry: 'lambdas/windows/windows.lambda.ts',
      environment: {
        STATE_TABLE: state.table.tableName,
        ...quarantine.writerEnvironment,
        ...lateness(settings),
        ...deploymentWait(settings),
      },
      settings,
    })
    this.function.readChanges(state.table, {
      batch: settings.windows,
      onFailure: quarantine,
      filters: [FilterCriteria.filter({ dynamodb: { Keys: { sk: { S: FilterRule.isEqual(USER_ITEM) } } } })],
    })
    const slotTooLarge = productMetric('windows', 'SlotTooLarge')
    const rejected = productMetric('windows', 'EventsQuarantined')
    this.alarms = [
      this.function.alarmOnErrors(
        'page',
        'The windows function fails and Lambda retries its batches. Nothing is lost; windows fall behind the states.',
        3,
      ),
      ...this.function.alarmsOnDelay(
        'Windows are behind the states. After 23 hours the unread changes go to the quarantine, and only the archive can rebuild the windows.',
      ),
      this.function.alarmOnLostFailures(
        'The states have the events, and the windows miss them: only the archive can rebuild them.',
      ),
      ...this.function.alarmOnSilence(state.source, 'Windows are not updated. After 23 hours only the archive can rebuild them.'),
      {
        name: 'slot-too-large',
        severity: 'ticket',
        about:
          'A slot of a window over all users has 80 % of the users that it can remember. A full slot forgets the users it has not seen for longest; then its unique users are a minimum.',
        metric: slotTooLarge,
        atLeast: 1,
        periods: 1,
      },
      {
        name: 'windows-refused',
        severity: 'ticket',
        about:
          'Windows reject deltas because a projection threw or the window would be too large. The deltas are in the quarantine; all other stores have the events.',
        metric: rejected,
        atLeast: 1,
        periods: 1,
      },
    ]
    this.graphs = [
      {
        title: 'Windows: deltas merged and rejected',
        unit: 'deltas',
        metrics: [productMetric('windows', 'ContributionsMerged'), rejected],
      },
      lagGraph('Windows function: lag', this.function),
      failureGraph(
        'Windows function: errors, throttles, conflicts, nearly full slots',
        [this.function],
        [productMetric('windows', 'Conflicts'), slotTooLarge],
      ),
    ]
  }
}
