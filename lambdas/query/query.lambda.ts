import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { eventTypes, projections, reports } from '../../shared/catalogue.ts'
import { type Environment, NONE } from '../../shared/environment.ts'
import { openApi } from '../../shared/openapi.ts'
import { isRejection, type Rejection, reject } from '../../shared/rejections.ts'
import { type Route, routes } from '../../shared/routes.ts'
import { describeError } from '../../shared/safe-error.ts'
import { type Told, handler as wrap } from '../handler.ts'
import { allows, type KeyStore, keyStore, presentedKey } from '../keys/dynamodb.ts'
import { reportsTable } from '../reports/dynamodb.ts'
import { archive } from '../reports/s3.ts'
import { openSearch } from '../search/opensearch.ts'
import { stateTable } from '../state/dynamodb.ts'
import { type Answer, type Headers, html, json, refuse } from './answer.ts'
import { flowReader } from './cloudwatch.ts'
import { within } from './deadline.ts'
import { checkHealth, type Probe } from './health.ts'
import { streamProbe } from './kinesis.ts'
import { type ConsolePage, readPage } from './page.ts'
import type { Parameters } from './parameters.ts'
import { readProjection } from './projections.ts'
import { readQuarantine } from './quarantine.ts'
import { readEvents } from './raw-events.ts'
import { readReport } from './reports.ts'
import { readUser } from './users.ts'

const PROBE_TIMEOUT_MS = 2000
/** Less than the function's own time-out and the gateway's: a store that hangs is answered for, too. */
const ANSWER_TIMEOUT_MS = 10_000

/** Answers GET requests from the stores; each path is a route of shared/routes.ts. */
export const handler = wrap('query', environment => {
  const keys = keyStore(environment.KEYS_TABLE)
  const answers = answersOf(environment)

  return async (event: APIGatewayProxyEventV2, told): Promise<Answer> => {
    const answer = await within(ANSWER_TIMEOUT_MS, answerTo(event, keys, answers)).catch((error: unknown) => {
      told.note('error', describeError(error))
      return refuse(reject('unavailable'), event.headers)
    })
    tell(told, answer, event.routeKey)
    return answer
  }
})

type Answers = ReadonlyMap<string, (event: APIGatewayProxyEventV2) => Promise<Answer>>

async function answerTo(event: APIGatewayProxyEventV2, keys: KeyStore, answers: Answers): Promise<Answer> {
  const { headers } = event
  const route = routes.find(({ method, path }) => event.routeKey === `${method} ${path}`)
  const answer = route && answers.get(route.path)
  if (!answer) return refuse(reject('not_found'), headers)
  const refused = await checkKey(route, event, keys)
  return refused ? refuse(refused, headers) : answer(event)
}

async function checkKey({ scope }: Route, event: APIGatewayProxyEventV2, keys: KeyStore): Promise<Rejection | undefined> {
  if (scope === null) return undefined
  const presented = presentedKey({ headers: event.headers, query: event.queryStringParameters })
  if (typeof presented !== 'string') return presented
  const key = await keys.find(presented)
  if (!key) return reject('key_unknown')
  return allows(key.scope, scope) ? undefined : reject('key_scope')
}

/** What each path answers, by its stores. */
function answersOf(environment: Environment<'query'>): Answers {
  const state = stateTable(environment.STATE_TABLE)
  const table = reportsTable(environment.REPORTS_TABLE)
  const bucket = archive(environment.ARCHIVE_BUCKET)
  const search = environment.OPENSEARCH_URL === NONE ? undefined : openSearch(environment.OPENSEARCH_URL)
  const probes: Record<string, Probe> = {
    stream: streamProbe(environment.STREAM_NAME),
    state: () => state.readUser('probe'),
    archive: () => bucket.probe(),
    reports: async () => secondsSince(await table.arrivalsUntil(reports[0]?.name ?? '')),
    ...(search && { search: () => search.ping() }),
  }
  const flow = flowReader({ namespace: environment.METRICS_NAMESPACE, deliveryStream: environment.DELIVERY_STREAM })
  let page: ConsolePage | undefined

  return new Map<string, (event: APIGatewayProxyEventV2) => Promise<Answer>>([
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
        answerWith(await readQuarantine(queryStringParameters, environment.QUARANTINE_TABLE), headers),
    ],
    [
      '/v1/events/{type}',
      async ({ headers, pathParameters, queryStringParameters = {} }) =>
        answerWith(await readEvents(pathParameters?.['type'] ?? '', queryStringParameters, search, eventTypes), headers),
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
        return answerWith(user ?? reject('not_found', 'There is nothing of this user.'), headers)
      },
    ],
    [
      '/v1/projections/{name}',
      async ({ headers, pathParameters, queryStringParameters = {} }) =>
        answerWith(await readProjection(pathParameters?.['name'] ?? '', queryStringParameters, search, projections), headers),
    ],
    [
      '/v1/reports/{name}',
      async ({ headers, pathParameters, queryStringParameters = {} }) =>
        answerWith(await readReport(pathParameters?.['name'] ?? '', queryStringParameters, { table, bucket }, reports), headers),
    ],
  ])
}

/** API Gateway decodes every escape of a path but %25. */
const userOf = (parameters: Parameters = {}): string => (parameters['id'] ?? '').replaceAll('%25', '%')

const answerWith = (body: object | Rejection, headers: Headers): Answer =>
  isRejection(body) ? refuse(body, headers) : json(200, body, headers)

const secondsSince = (millis: number | undefined): number | null =>
  millis === undefined ? null : Math.max(0, Math.round((Date.now() - millis) / 1000))

function tell(told: Told, { statusCode = 200 }: Answer, routeKey: string): void {
  told.note('route', routeKey)
  told.note('status', statusCode)
  if (statusCode === 503) told.count('RequestsUnavailable', 1)
  else if (statusCode >= 400) told.count('RequestsRefused', 1)
}
