import { Construct } from 'constructs'
import { type AlarmPlan, type Graph, productMetric, type Watched } from './alarms.ts'
import { LambdaFunction } from './lambda-function.ts'
import type { Quarantine } from './quarantine.ts'
import { daily } from './schedule.ts'
import { SearchDomain } from './search-domain.ts'
import type { SearchSettings, Settings } from './settings.ts'
import type { State } from './state.ts'

export interface SearchProps {
  readonly search: SearchSettings
  readonly state: State
  readonly quarantine: Quarantine
  readonly settings: Settings
}

/** Changed states and windows become documents in OpenSearch. */
export class Search extends Construct implements Watched {
  readonly url: string
  readonly documents: LambdaFunction<'index-documents'>
  readonly setUp: LambdaFunction<'set-up'>
  readonly alarms: readonly AlarmPlan[]
  readonly graphs: readonly Graph[]
  /** Undefined where the cluster runs elsewhere: that one knows no roles. */
  private readonly domain: SearchDomain | undefined

  constructor(scope: Construct, { search, state, quarantine, settings }: SearchProps) {
    super(scope, 'Search')
    const cluster = 'url' in search.cluster ? search.cluster : new SearchDomain(this, search.cluster, settings)
    this.domain = cluster instanceof SearchDomain ? cluster : undefined
    this.url = cluster.url
    const environment = { OPENSEARCH_URL: this.url }
    this.documents = new LambdaFunction(this, 'IndexDocuments', {
      name: 'index-documents',
      about: 'Brings the documents of changed states and windows into OpenSearch.',
      entry: 'lambdas/search/index-documents.lambda.ts',
      environment: { STATE_TABLE: state.table.tableName, ...environment, ...quarantine.environment },
      settings,
    })
    this.documents.readChanges(state.table, { batch: search.documents, net: quarantine })
    this.setUp = new LambdaFunction(this, 'SetUp', {
      name: 'set-up',
      about: 'Brings indices, mappings and aliases as the catalogue has them.',
      entry: 'lambdas/search/set-up.lambda.ts',
      environment,
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
      ...this.documents.alarmsOnDelay('Documents are behind the states; after 24 hours they need `millrace reindex`.'),
      this.setUp.alarmOnErrors('Indices could not be set up.', 1),
    ]
    this.graphs = [
      {
        title: 'Search',
        left: [productMetric('index-documents', 'DocumentsIndexed'), refused],
        right: [productMetric('index-documents', 'Retries'), this.documents.metricDelay()],
      },
    ]
  }

  /** Both bring the indices that are missing; documents are changed in bulk. */
  allowWrite(...functions: readonly LambdaFunction[]): void {
    const actions = ['es:ESHttpHead', 'es:ESHttpGet', 'es:ESHttpPost', 'es:ESHttpPut']
    for (const fn of functions) this.domain?.allow(fn, actions, '*')
  }

  allowSearch(query: LambdaFunction): void {
    this.domain?.allow(query, ['es:ESHttpHead', 'es:ESHttpGet'], '*')
    this.domain?.allow(query, ['es:ESHttpPost'], '*/_search')
  }
}
