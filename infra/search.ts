import { Construct } from 'constructs'
import type { Environment } from '../shared/environment.ts'
import { type AlarmPlan, type Graph, type Monitored, productMetric } from './alarm-topic.ts'
import { delayGraph, failureGraph } from './graphs.ts'
import { LambdaFunction } from './lambda-function.ts'
import type { Quarantine } from './quarantine.ts'
import { daily } from './schedule.ts'
import { SearchDomain } from './search-domain.ts'
import type { SearchSettings, Settings } from './settings.ts'
import type { State } from './state.ts'
import type { EventStream } from './stream.ts'

export interface SearchProps {
  readonly search: SearchSettings
  readonly stream: EventStream
  readonly state: State
  readonly quarantine: Quarantine
  readonly settings: Settings
}

/** Changed states and windows become documents in OpenSearch, and recent raw events, too. */
export class Search extends Construct implements Monitored {
  readonly url: string
  /** Which raw events get documents, and for how long. */
  readonly rawEvents: Pick<Environment<'index-events'>, 'RAW_EVENT_TYPES' | 'RAW_EVENT_DAYS'>
  readonly documents: LambdaFunction<'index-documents'>
  readonly events: LambdaFunction<'index-events'>
  readonly setUp: LambdaFunction<'set-up'>
  readonly alarms: readonly AlarmPlan[]
  readonly graphs: readonly Graph[]
  /** Undefined where the cluster runs elsewhere: that one knows no roles. */
  private readonly domain: SearchDomain | undefined

  constructor(scope: Construct, { search, stream, state, quarantine, settings }: SearchProps) {
    super(scope, 'Search')
    const cluster = 'url' in search.cluster ? search.cluster : new SearchDomain(this, search.cluster, settings)
    this.domain = cluster instanceof SearchDomain ? cluster : undefined
    this.url = cluster.url
    const environment = { OPENSEARCH_URL: this.url }
    this.rawEvents = { RAW_EVENT_TYPES: [search.rawEvents.types].flat().join(), RAW_EVENT_DAYS: String(search.rawEvents.days) }
    const { RAW_EVENT_DAYS } = this.rawEvents
    this.documents = new LambdaFunction(this, 'IndexDocuments', {
      name: 'index-documents',
      about: 'Brings the documents of changed states and windows into OpenSearch.',
      entry: 'lambdas/search/index-documents.lambda.ts',
      environment: { STATE_TABLE: state.table.tableName, ...environment, ...quarantine.environment },
      settings,
    })
    this.documents.readChanges(state.table, { batch: search.documents, onFailure: quarantine })
    this.events = new LambdaFunction(this, 'IndexEvents', {
      name: 'index-events',
      about: 'Brings recent raw events into OpenSearch, one document each.',
      entry: 'lambdas/search/index-events.lambda.ts',
      environment: {
        ...environment,
        ...quarantine.environment,
        ...this.rawEvents,
      },
      settings,
    })
    this.events.readKinesis(stream.stream, settings.stream.retention, { batch: search.rawEvents.batch, onFailure: quarantine })
    this.setUp = new LambdaFunction(this, 'SetUp', {
      name: 'set-up',
      about: 'Brings indices, mappings and aliases as the catalogue has them.',
      entry: 'lambdas/search/set-up.lambda.ts',
      environment: { ...environment, RAW_EVENT_DAYS },
      settings,
    })
    daily(this, 'DailySetUp', { function: this.setUp, hour: search.setUpHour, input: {} })
    const refused = productMetric('index-documents', 'DocumentsRefused')
    this.alarms = [
      {
        name: 'documents-refused',
        about: 'OpenSearch refuses documents for good; a mapping is wrong.',
        metric: refused,
        atLeast: 1,
        periods: 1,
      },
      this.documents.alarmOnErrors('Documents cannot be written; the stream of changes waits.', 3),
      ...this.documents.alarmsOnDelay('Documents are behind the states; after 23 hours they need `millrace reindex`.'),
      this.events.alarmOnErrors('Raw events cannot be written; they wait in the event stream.', 3),
      ...this.events.alarmsOnDelay('Raw events in OpenSearch are behind the event stream.'),
      this.setUp.alarmOnErrors('Indices could not be set up.', 1),
      ...(this.domain?.alarms ?? []),
    ]
    this.graphs = [
      {
        title: 'How many documents are written?',
        unit: 'documents',
        metrics: [productMetric('index-documents', 'DocumentsIndexed'), refused],
      },
      delayGraph('How long until an event is searchable in its documents?', this.documents),
      failureGraph('What do documents fail at, or do twice?', [this.documents], [productMetric('index-documents', 'Retries')]),
      {
        title: 'How many raw events are written to search?',
        unit: 'documents',
        metrics: [productMetric('index-events', 'DocumentsIndexed'), productMetric('index-events', 'DocumentsRefused')],
      },
      delayGraph('How long until a raw event is searchable?', this.events),
      failureGraph('What do raw events fail at, or do twice?', [this.events], [productMetric('index-events', 'Retries')]),
      ...(this.domain?.graphs ?? []),
    ]
  }

  /** All bring the indices that are missing; documents are changed in bulk. */
  allowWrite(...functions: readonly LambdaFunction[]): void {
    const actions = ['es:ESHttpHead', 'es:ESHttpGet', 'es:ESHttpPost', 'es:ESHttpPut']
    for (const fn of functions) this.domain?.allow(fn, actions, '*')
  }

  /** Kept documents, written again. */
  allowWriteDocuments(replay: LambdaFunction): void {
    this.domain?.allow(replay, ['es:ESHttpPost'], '_bulk')
  }

  /** Retention: whole days of raw events, and documents by query. */
  allowDelete(setUp: LambdaFunction): void {
    this.domain?.allow(setUp, ['es:ESHttpDelete'], 'events-*')
  }

  allowSearch(query: LambdaFunction): void {
    this.domain?.allow(query, ['es:ESHttpHead', 'es:ESHttpGet'], '*')
    this.domain?.allow(query, ['es:ESHttpPost'], '*/_search')
  }
}
