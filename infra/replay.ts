import { Construct } from 'constructs'
import { NONE } from '../shared/environment.ts'
import { type AlarmPlan, type Graph, type Monitored, productMetric } from './alarm-topic.ts'
import { failureGraph } from './graphs.ts'
import { LambdaFunction } from './lambda-function.ts'
import type { Quarantine } from './quarantine.ts'
import type { Search } from './search.ts'
import type { Settings } from './settings.ts'
import type { EventStream } from './stream.ts'

export interface ReplayProps {
  readonly stream: EventStream
  readonly quarantine: Quarantine
  readonly search: Search | undefined
  readonly settings: Settings
}

/** Kept events go on their way again, by the catalogue that is deployed; `millrace quarantine replay` calls it. */
export class Replay extends Construct implements Monitored {
  readonly function: LambdaFunction<'replay'>
  readonly alarms: readonly AlarmPlan[]
  readonly graphs: readonly Graph[]

  constructor(scope: Construct, { stream, quarantine, search, settings }: ReplayProps) {
    super(scope, 'Replay')
    this.function = new LambdaFunction(this, 'Function', {
      name: 'replay',
      about: 'Sends events that were kept aside on the way of all events again.',
      entry: 'lambdas/ingest/replay.lambda.ts',
      environment: {
        STREAM_NAME: stream.stream.streamName,
        ...quarantine.environment,
        OPENSEARCH_URL: search?.url ?? NONE,
      },
      settings,
    })
    this.alarms = [this.function.alarmOnErrors('A replay broke off; what was not replayed is kept as before.', 1)]
    this.graphs = [
      { title: 'How many events are replayed?', unit: 'events', metrics: [productMetric('replay', 'EventsReplayed')] },
      failureGraph('Does replaying fail?', [this.function]),
    ]
  }
}
