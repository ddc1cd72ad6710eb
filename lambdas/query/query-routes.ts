import { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import type { Client } from '@opensearch-project/opensearch'
import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { eventTypes, projections, reports } from '../../shared/catalogue.ts'
import { type Environment, NONE } from '../../shared/environment.ts'
import type { PipelineMetrics } from '../../shared/metrics.ts'
import { openApi } from '../../shared/openapi.ts'
import type { UserView } from '../../shared/projection.ts'
import { isRejection, type Rejection, reject } from '../../shared/rejections.ts'
import { currentRevisions } from '../../shared/revisions.ts'
import { withoutTrailingSlash } from '../../shared/route.ts'
import { type QueryRouteKey, routes } from '../../shared/routes.ts'
import { type ArchiveBucket, archiveBucket } from '../archive/s3.ts'
import type { Telemetry } from '../handler.ts'
import { type JobsTable, jobsTable } from '../jobs/dynamodb.ts'
import type { QuarantineStores } from '../quarantine/dynamodb-bundles.ts'
import { type ReportsTable, reportsTable } from '../reports/dynamodb.ts'
import { openSearch } from '../search/opensearch.ts'
import { type StateTable, stateTable } from '../state/dynamodb.ts'
import { asStore } from '../store-failure.ts'
import { lagsReader, metricsReader } from './cloudwatch.ts'
import { readConsolePage } from './console-page.ts'
import { cachedFor, checkHealth, type Probe } from './health.ts'
import { readJob } from './jobs.ts'
import { streamProbe } from './kinesis.ts'
import { invalidParameter, type QueryParameters } from './parameters.ts'
import { readProjection } from './projections.ts'
import { readQuarantine } from './quarantine.ts'
import { bundleGroups } from './quarantine-bundles.ts'
import { type KeptEvents, keptEvents, readKeptEvents } from './raw-events.ts'
import { readReport, reportedUntil } from './reports.ts'
import {
  type HttpResponse,
  htmlDocument,
  json,
  rejectWith,
  respondWithDocument,
  type StaticDocument,
  staticDocument,
} from './response.ts'
import { queryUser, readUser } from './users.ts'

const PROBE_TIMEOUT_MS = 2000
/** Nobody needs a key for /v1/health, so that many requests must not cost many calls of stores. */
const HEALTH_CACHE_MS = 5000

type RouteHandler = (event: APIGatewayProxyEventV2, telemetry: Telemetry) => Promise<HttpResponse>

/** One handler for each route. A route without a handler does not compile, nor does a handler without a route. */
export type RouteHandlers = Readonly<Record<QueryRouteKey, RouteHandler>>

interface Stores {
  readonly state: StateTable
  readonly table: ReportsTable
  readonly bucket: Pick<ArchiveBucket, 'open' | 'probe'>
  readonly jobs: JobsTable
  readonly search: Client | undefined
  readonly quarantine: QuarantineStores
  readonly metrics: () => Promise<PipelineMetrics>
}

/** The handlers of all routes of the query function, over the stores that the environment names. */
export function routeHandlers(environment: Environment<'query'>): RouteHandlers {
  const stores = openStores(environment)
  return {
    ...storeHandlers(stores, keptEvents(environment.RAW_EVENT_TYPES)),
    ...operationHandlers(stores, environment.STREAM_NAME),
  }
}

/** A failed call of a store gives a 503. Any other error is a bug. */
const openStores = (environment: Environment<'query'>): Stores => ({
  state: asStore(stateTable(environment.STATE_TABLE)),
  table: asStore(reportsTable(environment.REPORTS_TABLE)),
  jobs: asStore(jobsTable(environment.JOBS_TABLE)),
  bucket: openBucket(environment.ARCHIVE_BUCKET),
  search: environment.OPENSEARCH_URL === NONE ? undefined : asStore(openSearch(environment.OPENSEARCH_URL)),
  quarantine: {
    table: environment.QUARANTINE_TABLE,
    bucket: environment.QUARANTINE_BUCKET,
    dynamodb: asStore(new DynamoDBClient({})),
    s3: asStore(new S3Client({})),
    now: Date.now,
  },
  metrics: metricsReader(
    {
      namespace: environment.METRICS_NAMESPACE,
      deliveryStream: environment.DELIVERY_STREAM,
      readers: {
        folded: environment.STATE_FUNCTION,
        windows: environment.WINDOWS_FUNCTION,
        documents: environment.DOCUMENTS_FUNCTION,
        rawEvents: environment.RAW_EVENTS_FUNCTION,
      },
    },
    asStore(new CloudWatchClient({})),
  ),
})

/** An opened object reads from the store, too. */
function openBucket(name: string): Stores['bucket'] {
  const bucket = asStore(archiveBucket(name))
  const open: ArchiveBucket['open'] = async key => {
    const object = await bucket.open(key)
    return object && asStore(object)
  }
  return { probe: () => bucket.probe(), open }
}

type StoreRoute = Exclude<QueryRouteKey, OperationRoute>

const storeHandlers = (
  { state, table, jobs, bucket, search, quarantine }: Stores,
  keeps: KeptEvents,
  bundles = bundleGroups(quarantine),
): Readonly<Record<StoreRoute, RouteHandler>> => ({
  'GET /v1/users/{id+}': reading(({ id = '' }, query, telemetry) => readUserInPath(id, query, state, telemetry)),
  'GET /v1/users': reading(async (_path, query, telemetry) =>
    query['id'] ? userReader(query, state, telemetry)(query['id']) : invalidParameter('id', 'must be the id of a user.'),
  ),
  'GET /v1/projections/{name}': reading(({ name = '' }, query) => readProjection(name, query, search, projections, Date.now())),
  'GET /v1/reports/{name}': reading(({ name = '' }, query) => readReport(name, query, { table, bucket }, reports, Date.now())),
  'GET /v1/events/{type+}': reading(({ type = '' }, query) =>
    readKeptEvents(withoutTrailingSlash(type), query, { client: search, eventTypes, keeps }),
  ),
  'GET /v1/events': reading((_path, query) => readKeptEvents(query['type'], query, { client: search, eventTypes, keeps })),
  'GET /v1/jobs/{id}': reading(({ id = '' }) => readJob(id, jobs)),
  'GET /v1/quarantine': reading((_path, query) => readQuarantine(query, quarantine, bundles)),
})

/** Responds with what `read` returns, or with its rejection. */
const reading =
  (read: (path: QueryParameters, query: QueryParameters, telemetry: Telemetry) => Promise<object | Rejection>): RouteHandler =>
  async ({ pathParameters = {}, queryStringParameters = {} }, telemetry) => {
    const result = await read(pathParameters, queryStringParameters, telemetry)
    return isRejection(result) ? rejectWith(result) : json(200, result)
  }

/** Reads a user with the windows that the query selects. */
const userReader =
  (query: QueryParameters, state: StateTable, telemetry: Telemetry) =>
  (user: string): Promise<UserView | Rejection> =>
    queryUser(user, query, Date.now(), (id, range) => readUser(id, state, projections, telemetry, range))

/** A slash at the end of the path may belong to the id, or else it is ignored. */
async function readUserInPath(
  id: string,
  query: QueryParameters,
  state: StateTable,
  telemetry: Telemetry,
): Promise<UserView | Rejection> {
  const read = userReader(query, state, telemetry)
  const result = await read(id)
  const isUnknown = isRejection(result) && result.code === 'not_found'
  return isUnknown && id.endsWith('/') ? read(withoutTrailingSlash(id)) : result
}

type OperationRoute = Extract<
  QueryRouteKey,
  'GET /' | 'GET /v1/{proxy+}' | 'GET /v1/health' | 'GET /v1/metrics' | 'GET /v1/openapi.json'
>

function operationHandlers(stores: Stores, stream: string): Readonly<Record<OperationRoute, RouteHandler>> {
  const health = cachedFor(HEALTH_CACHE_MS, () => checkHealth(probesOf(stores, stream), PROBE_TIMEOUT_MS))
  return {
    'GET /': serving(() => htmlDocument(readConsolePage(process.env['LAMBDA_TASK_ROOT'] ?? ''))),
    'GET /v1/{proxy+}': reading(async () => reject('not_found')),
    'GET /v1/health': async () => {
      const found = await health()
      return found.ok ? json(200, found, { 'cache-control': `public, max-age=${HEALTH_CACHE_MS / 1000}` }) : json(503, found)
    },
    'GET /v1/metrics': reading(stores.metrics),
    'GET /v1/openapi.json': serving(() =>
      staticDocument(JSON.stringify(openApi(routes, { eventTypes, projections: currentRevisions(projections), reports })), {
        'content-type': 'application/json',
      }),
    ),
  }
}

/** Responds with a document, which is made for the first request. */
function serving(make: () => StaticDocument): RouteHandler {
  let document: StaticDocument | undefined
  return async ({ headers }) => {
    document ??= make()
    return respondWithDocument(document, headers)
  }
}

/** The probes of GET /v1/health, by store. */
function probesOf({ metrics, state, table, bucket, search }: Stores, stream: string): Readonly<Record<string, Probe>> {
  const lags = lagsReader(metrics)
  const withLag =
    (store: string, probe: Probe): Probe =>
    async () => {
      const [lagByStore] = await Promise.all([lags(), probe()])
      return lagByStore[store]
    }
  return {
    stream: streamProbe(stream),
    state: withLag('state', () => state.readUser('probe')),
    archive: withLag('archive', () => bucket.probe()),
    reports: async () => secondsSince(await reportedUntil(table, reports)),
    ...(search && { search: withLag('search', () => search.ping()) }),
  }
}

const secondsSince = (millis: number | undefined): number | null =>
  millis === undefined ? null : Math.max(0, Math.round((Date.now() - millis) / 1000))
