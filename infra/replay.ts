import { Construct } from 'constructs'
import { NONE } from '../shared/environment.ts'
import { type AlarmPlan, type Graph, type Monitored, productMetric } from './alarm-topic.ts'
import { failureGraph } from './graphs.ts'
import type { Keys } from './keys.ts'
import { LambdaFunction } from './lambda-function.ts'
import type { Quarantine } from './quarantine.ts'
import type { Search } from './search.ts'
import type { Settings } from './settings-types.ts'
import { lateness, type State } from './state.ts'
import type { EventStream } from './stream.ts'

export interface ReplayProps {
  readonly keys: Keys
  readonly stream: EventStream
  readonly state: State
  readonly quarantine: Quarantine
  readonly search: Search | undefined
  readonly settings: Settings
}

/** Replays quarantined events with the deployed catalogue, for `millrace quarantine replay`. */
export class Replay extends Construct implements Monitored {
  readonly function: LambdaFunction<'replay'>
  readonly alarms: readonly AlarmPlan[]
  readonly graphs: readonly Graph[]

  constructor(scope: Construct, { keys, stream, state, quarantine, search, settings }: ReplayProps) {
    super(scope, 'Replay')
    this.function = new LambdaFunction(this, 'Function', {
      name: 'replay',
      about:
        'Checks quarantined events again and puts them back into the event stream, and merges quarantined deltas into their windows.',
      entry: 'lambdas/ingest/replay.lambda.ts',
      environment: {
        STREAM_NAME: stream.stream.streamName,
        ...quarantine.environment,
        OPENSEARCH_URL: search?.url ?? NONE,
        STATE_TABLE: state.table.tableName,
        ...lateness(settings),
        KEYS_TABLE: keys.table.tableName,
        SIGNED_TRAITS: settings.api.signedTraits,
      },
      settings,
    })
    this.alarms = [
      this.function.alarmOnErrors(
        'ticket',
        'A replay stopped before its end. The events that it did not replay are still in the quarantine; the command can be repeated.',
        1,
      ),
    ]
    this.graphs = [
      { title: 'Replay: events replayed', unit: 'events', metrics: [productMetric('replay', 'EventsReplayed')] },
      failureGraph('Replay function: errors and throttles', [this.function]),
    ]
  }
}
