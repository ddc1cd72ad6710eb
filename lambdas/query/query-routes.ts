import type { Client } from '@opensearch-project/opensearch'
import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { eventTypes, projections, reports } from '../../shared/catalogue.ts'
import { type Environment, NONE } from '../../shared/environment.ts'
import type { Headers } from '../../shared/http.ts'
import { openApi } from '../../shared/openapi.ts'
import { isRejection, type Rejection, reject } from '../../shared/rejections.ts'
import { routes } from '../../shared/routes.ts'
import { type ReportsTable, reportsTable } from '../reports/dynamodb.ts'
import { type Archive, archive } from '../reports/s3.ts'
import { openSearch } from '../search/opensearch.ts'
import { type StateTable, stateTable } from '../state/dynamodb.ts'
import { flowReader, lagsReader } from './cloudwatch.ts'
import { type ConsolePage, readPage } from './console-page.ts'
import { checkHealth, type Probe } from './health.ts'
import { streamProbe } from './kinesis.ts'
import type { Flow } from './metrics.ts'
import type { Parameters } from './parameters.ts'
import { readProjection } from './projections.ts'
import { readQuarantine } from './quarantine.ts'
import { readEvents } from './raw-events.ts'
import { readReport } from './reports.ts'
import { type HttpResponse, html, json, rejectWith } from './response.ts'
import { readUser } from './users.ts'

const PROBE_TIMEOUT_MS = 2000

/** What answers a request, by the path of its route. */
export type RouteHandlers = ReadonlyMap<string, (event: APIGatewayProxyEventV2) => Promise<HttpResponse>>

/** What each path answers, by its stores. */
export function routeHandlers(environment: Environment<'query'>): RouteHandlers {
  const state = stateTable(environment.STATE_TABLE)
  const table = reportsTable(environment.REPORTS_TABLE)
  const bucket = archive(environment.ARCHIVE_BUCKET)
  const search = environment.OPENSEARCH_URL === NONE ? undefined : openSearch(environment.OPENSEARCH_URL)
  const flow = flowReader({ namespace: environment.METRICS_NAMESPACE, deliveryStream: environment.DELIVERY_STREAM })
  const probes = probesOf(environment, flow, { state, table, bucket, search })
  let page: ConsolePage | undefined

  return new Map<string, (event: APIGatewayProxyEventV2) => Promise<HttpResponse>>([
    [
      '/',
      async () => {
        page ??= readPage(process.env['LAMBDA_TASK_ROOT'] ?? '')
        return html(page)
      },
    ],
    ['/v1/openapi.json', async ({ headers }) => json(200, openApi(routes, { eventTypes, projections, reports }), headers)],
    ['/v1/metrics', async ({ headers }) => json(200, await flow(), headers)],
    [
      '/v1/quarantine',
      async ({ headers, queryStringParameters = {} }) =>
        respondWith(await readQuarantine(queryStringParameters, environment.QUARANTINE_TABLE), headers),
    ],
    [
      '/v1/events/{type}',
      async ({ headers, pathParameters, queryStringParameters = {} }) =>
        respondWith(await readEvents(pathParameters?.['type'] ?? '', queryStringParameters, search, eventTypes), headers),
    ],
    [
      '/v1/health',
      async ({ headers }) => {
        const health = await checkHealth(probes, PROBE_TIMEOUT_MS)
        return json(health.ok ? 200 : 503, health, headers)
      },
    ],
    [
      '/v1/users/{id+}',
      async ({ headers, pathParameters }) => {
        const user = await readUser(userOf(pathParameters), state, projections)
        return respondWith(user ?? reject('not_found', 'There is nothing of this user.'), headers)
      },
    ],
    [
      '/v1/projections/{name}',
      async ({ headers, pathParameters, queryStringParameters = {} }) =>
        respondWith(await readProjection(pathParameters?.['name'] ?? '', queryStringParameters, search, projections), headers),
    ],
    [
      '/v1/reports/{name}',
      async ({ headers, pathParameters, queryStringParameters = {} }) =>
        respondWith(await readReport(pathParameters?.['name'] ?? '', queryStringParameters, { table, bucket }, reports), headers),
    ],
  ])
}

interface ProbedStores {
  readonly state: StateTable
  readonly table: ReportsTable
  readonly bucket: Archive
  readonly search: Client | undefined
}

/** What GET /v1/health asks of each store. */
function probesOf(
  { STREAM_NAME }: Environment<'query'>,
  flow: () => Promise<Flow>,
  { state, table, bucket, search }: ProbedStores,
): Readonly<Record<string, Probe>> {
  const lags = lagsReader(flow)
  const withLag =
    (store: string, probe: Probe): Probe =>
    async () =>
      (await Promise.all([lags(), probe()]))[0][store]
  return {
    stream: streamProbe(STREAM_NAME),
    state: withLag('state', () => state.readUser('probe')),
    archive: withLag('archive', () => bucket.probe()),
    reports: async () => secondsSince(await table.arrivalsUntil(reports[0]?.name ?? '')),
    ...(search && { search: withLag('search', () => search.ping()) }),
  }
}

/** API Gateway decodes every escape of a path but %25. */
const userOf = (parameters: Parameters = {}): string => (parameters['id'] ?? '').replaceAll('%25', '%')

const respondWith = (body: object | Rejection, headers: Headers): HttpResponse =>
  isRejection(body) ? rejectWith(body, headers) : json(200, body, headers)

const secondsSince = (millis: number | undefined): number | null =>
  millis === undefined ? null : Math.max(0, Math.round((Date.now() - millis) / 1000))
