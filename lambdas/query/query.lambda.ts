import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { allows, IN_URL, isInQuery, type KeyStore, mayBeInUrl, presentedKey } from '../../shared/keys.ts'
import { type Rejection, reject } from '../../shared/rejections.ts'
import { matchRoute, type Route } from '../../shared/route.ts'
import { queryRoutes } from '../../shared/routes.ts'
import { defineHandler, type Telemetry } from '../handler.ts'
import { complete } from '../http-response.ts'
import { keyStore } from '../keys/dynamodb.ts'
import { keyUse } from '../keys/dynamodb-use.ts'
import { respondWithin } from '../response-timeout.ts'
import { asStore, rejectionOf } from '../store-failure.ts'
import { type RouteHandlers, routeHandlers } from './query-routes.ts'
import { type HttpResponse, rejectWith } from './response.ts'

/** Shorter than the timeouts of the function and of API Gateway, so that the client gets a response when a store hangs. */
const RESPONSE_TIMEOUT_MS = 10_000

/** Serves the routes of shared/routes.ts from the stores. A store that fails or hangs gives a 503, a bug a 500. */
export const handler = defineHandler('query', environment => {
  const dynamodb = new DynamoDBClient({})
  const keys = asStore(keyStore(environment.KEYS_TABLE, dynamodb, Date.now, keyUse(environment.KEY_USE_TABLE, dynamodb)))
  const handlers = routeHandlers(environment)

  return async (event: APIGatewayProxyEventV2, telemetry): Promise<HttpResponse> => {
    const work = handle(event, keys, handlers, telemetry)
    const response = await respondWithin(RESPONSE_TIMEOUT_MS, work).catch((error: unknown) =>
      rejectWith(rejectionOf(error, telemetry)),
    )
    recordResponse(telemetry, response, event.routeKey)
    return complete(event, response)
  }
})

async function handle(
  event: APIGatewayProxyEventV2,
  keys: KeyStore,
  handlers: RouteHandlers,
  telemetry: Telemetry,
): Promise<HttpResponse> {
  const { rawPath, requestContext } = event
  const matched = matchRoute(queryRoutes, requestContext.http.method, rawPath)
  if (!matched) return rejectWith(reject('not_found'))
  const { route, parameters } = matched
  const rejection = await checkKey(route, event, keys)
  if (rejection) return rejectWith(rejection)
  return handlers[route.key]({ ...event, pathParameters: decoded(parameters) }, telemetry)
}

/** API Gateway decodes every escape in a path except %25. */
const decoded = (parameters: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, value.replaceAll('%25', '%')]))

/** Undefined when the request's key may use the route, or the route needs no key. */
async function checkKey({ scope }: Route, event: APIGatewayProxyEventV2, keys: KeyStore): Promise<Rejection | undefined> {
  if (scope === null) return undefined
  const presented = presentedKey({ headers: event.headers, query: event.queryStringParameters })
  if (typeof presented !== 'string') return presented
  const key = await keys.find(presented)
  if (!key) return reject('key_unknown')
  if (!mayBeInUrl(key.scope) && isInQuery(presented, event.queryStringParameters)) return reject('key_scope', IN_URL)
  return allows(key.scope, scope) ? undefined : reject('key_scope')
}

function recordResponse(telemetry: Telemetry, { statusCode = 200 }: HttpResponse, routeKey: string): void {
  telemetry.annotate('route', routeKey)
  telemetry.annotate('status', statusCode)
  if (statusCode === 503) telemetry.count('RequestsUnavailable', 1)
  else if (statusCode === 500) telemetry.count('RequestsFailed', 1)
  else if (statusCode >= 400) telemetry.count('RequestsRefused', 1)
}
