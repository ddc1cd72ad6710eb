import { Construct } from 'constructs'
import { type Environment, NONE } from '../shared/environment.ts'
import type { Projection } from '../shared/projection.ts'
import { type AlarmPlan, type Graph, type Monitored, productMetric } from './alarm-topic.ts'
import { failureGraph, lagGraph } from './graphs.ts'
import { LambdaFunction } from './lambda-function.ts'
import type { Quarantine } from './quarantine.ts'
import { daily } from './schedule.ts'
import { SearchDomain } from './search-domain.ts'
import { type Searcher, searchRights } from './search-rights.ts'
import type { SearchSettings, Settings } from './settings-types.ts'
import type { SilencePlan } from './silent-readers.ts'
import type { State } from './state.ts'
import type { EventStream } from './stream.ts'
import { deploymentWait } from './windows.ts'

export interface SearchProps {
  readonly search: SearchSettings
  readonly stream: EventStream
  readonly state: State
  readonly quarantine: Quarantine
  readonly projections: readonly Projection[]
  readonly settings: Settings
}

/** OpenSearch and its writers: documents of changed states and windows, and recent raw events. */
export class Search extends Construct implements Monitored {
  readonly url: string
  /** Which raw events are indexed, and for how many days. */
  readonly rawEvents: Pick<Environment<'index-events'>, 'RAW_EVENT_TYPES' | 'RAW_EVENT_DAYS'>
  readonly documents: LambdaFunction<'index-documents'>
  readonly events: LambdaFunction<'index-events'>
  readonly setUp: LambdaFunction<'set-up'>
  readonly alarms: readonly (AlarmPlan | SilencePlan)[]
  readonly graphs: readonly Graph[]
  /** Undefined when the cluster runs outside the stack; such a cluster has no access policy. */
  private readonly domain: SearchDomain | undefined
  private readonly rights: ReturnType<typeof searchRights>

  constructor(scope: Construct, { search, stream, state, quarantine, projections, settings }: SearchProps) {
    super(scope, 'Search')
    const cluster = 'url' in search.cluster ? search.cluster : new SearchDomain(this, search.cluster)
    this.domain = cluster instanceof SearchDomain ? cluster : undefined
    this.url = cluster.url
    this.rights = searchRights(projections)
    this.rawEvents = {
      RAW_EVENT_TYPES: [search.rawEvents.types].flat().join() || NONE,
      RAW_EVENT_DAYS: String(search.rawEvents.days),
    }
    const environment = { OPENSEARCH_URL: this.url }
    this.documents = new LambdaFunction(this, 'IndexDocuments', {
      name: 'index-documents',
      about: 'Writes the documents of changed states and windows to OpenSearch.',
      entry: 'lambdas/search/index-documents.lambda.ts',
      environment: {
        STATE_TABLE: state.table.tableName,
        ...environment,
        ...quarantine.writerEnvironment,
        ...deploymentWait(settings),
      },
      settings,
    })
    this.documents.readChanges(state.table, { batch: search.documents, onFailure: quarantine })
    this.events = new LambdaFunction(this, 'IndexEvents', {
      name: 'index-events',
      about: 'Writes recent raw events to OpenSearch, one document for each.',
      entry: 'lambdas/search/index-events.lambda.ts',
      environment: { ...environment, ...quarantine.writerEnvironment, ...this.rawEvents },
      settings,
    })
    this.events.readKinesis(stream.stream, settings.stream.retention, { batch: search.rawEvents.batch, onFailure: quarantine })
    this.setUp = new LambdaFunction(this, 'SetUp', {
      name: 'set-up',
      about: 'Creates and updates indices, mappings and aliases for the catalogue, and deletes old raw events.',
      entry: 'lambdas/search/set-up.lambda.ts',
      environment: { ...environment, RAW_EVENT_DAYS: this.rawEvents.RAW_EVENT_DAYS },
      settings,
    })
    daily(this, 'DailySetUp', { function: this.setUp, hour: search.setUpHour, input: {} })
    this.alarms = [...this.planAlarms(), ...this.planSilenceAlarms(stream, state), ...(this.domain?.alarms ?? [])]
    this.graphs = [...this.planGraphs(), ...(this.domain?.graphs ?? [])]
  }

  private planAlarms(): AlarmPlan[] {
    return [
      {
        name: 'documents-refused',
        severity: 'ticket',
        about:
          'OpenSearch rejects documents with 400, or their projection cannot make them. They are in the quarantine; searches miss them.',
        metric: productMetric('index-documents', 'DocumentsRefused'),
        atLeast: 1,
        periods: 1,
      },
      this.documents.alarmOnErrors(
        'page',
        'The index-documents function fails and Lambda retries its batches. Nothing is lost; documents fall behind the states.',
        3,
      ),
      ...this.documents.alarmsOnDelay('Documents are behind the states. After 23 hours they need `millrace reindex`.'),
      this.documents.alarmOnLostFailures('`millrace reindex` rebuilds the documents.'),
      this.events.alarmOnErrors(
        'ticket',
        'The index-events function fails and Lambda retries its batches. Raw events wait in the event stream.',
        3,
      ),
      ...this.events.alarmsOnDelay('Raw events in OpenSearch are behind the event stream. States and archive are not affected.'),
      this.events.alarmOnLostFailures(
        'The archive has the events, and raw events in OpenSearch miss them until they are sent again.',
      ),
      this.setUp.alarmOnErrors(
        'ticket',
        'The set-up function fails. Indices, mappings and aliases may not match the catalogue, and old raw events are not deleted.',
        1,
      ),
    ]
  }

  private planSilenceAlarms(stream: EventStream, state: State): readonly SilencePlan[] {
    return [
      ...this.documents.alarmOnSilence(state.source, 'Documents are not updated. After 23 hours they need `millrace reindex`.'),
      ...this.events.alarmOnSilence(
        stream.source,
        'Raw events are missing from OpenSearch. States and archive are not affected.',
      ),
    ]
  }

  private planGraphs(): Graph[] {
    return [
      {
        title: 'Documents: written and rejected',
        unit: 'documents',
        metrics: [productMetric('index-documents', 'DocumentsIndexed'), productMetric('index-documents', 'DocumentsRefused')],
      },
      lagGraph('Index-documents function: lag', this.documents),
      failureGraph(
        'Index-documents function: errors, throttles, retries',
        [this.documents],
        [productMetric('index-documents', 'Retries')],
      ),
      {
        title: 'Raw events in OpenSearch: written and rejected',
        unit: 'documents',
        metrics: [productMetric('index-events', 'DocumentsIndexed'), productMetric('index-events', 'DocumentsRefused')],
      },
      lagGraph('Index-events function: lag', this.events),
      failureGraph(
        'Index-events function: errors, throttles, retries',
        [this.events],
        [productMetric('index-events', 'Retries')],
      ),
    ]
  }

  /** Lets a function send what it sends to OpenSearch, and nothing else. */
  allow(fn: LambdaFunction<Searcher>): void {
    for (const { verbs, paths } of this.rights[fn.service]) this.domain?.allow(fn, verbs, paths)
  }
}
