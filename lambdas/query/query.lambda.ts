import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { allows, type KeyStore, presentedKey } from '../../shared/keys.ts'
import { type Rejection, reject } from '../../shared/rejections.ts'
import { type Route, routes } from '../../shared/routes.ts'
import { describeError } from '../../shared/safe-error.ts'
import { defineHandler, type Telemetry } from '../handler.ts'
import { keyStore } from '../keys/dynamodb.ts'
import { withTimeout } from './deadline.ts'
import { type RouteHandlers, routeHandlers } from './query-routes.ts'
import { type HttpResponse, rejectWith } from './response.ts'

/** Less than the function's own time-out and the gateway's: a store that hangs is answered for, too. */
const RESPONSE_TIMEOUT_MS = 10_000

/** Answers GET requests from the stores; each path is a route of shared/routes.ts. */
export const handler = defineHandler('query', environment => {
  const keys = keyStore(environment.KEYS_TABLE)
  const answers = routeHandlers(environment)

  return async (event: APIGatewayProxyEventV2, telemetry): Promise<HttpResponse> => {
    const answer = await withTimeout(RESPONSE_TIMEOUT_MS, handle(event, keys, answers)).catch((error: unknown) => {
      telemetry.annotate('error', describeError(error))
      return rejectWith(reject('unavailable'), event.headers)
    })
    recordResponse(telemetry, answer, event.routeKey)
    return answer
  }
})

async function handle(event: APIGatewayProxyEventV2, keys: KeyStore, answers: RouteHandlers): Promise<HttpResponse> {
  const { headers } = event
  const route = routes.find(({ method, path }) => event.routeKey === `${method} ${path}`)
  const answer = route && answers.get(route.path)
  if (!answer) return rejectWith(reject('not_found'), headers)
  const refused = await checkKey(route, event, keys)
  return refused ? rejectWith(refused, headers) : answer(event)
}

async function checkKey({ scope }: Route, event: APIGatewayProxyEventV2, keys: KeyStore): Promise<Rejection | undefined> {
  if (scope === null) return undefined
  const presented = presentedKey({ headers: event.headers, query: event.queryStringParameters })
  if (typeof presented !== 'string') return presented
  const key = await keys.find(presented)
  if (!key) return reject('key_unknown')
  return allows(key.scope, scope) ? undefined : reject('key_scope')
}

function recordResponse(telemetry: Telemetry, { statusCode = 200 }: HttpResponse, routeKey: string): void {
  telemetry.annotate('route', routeKey)
  telemetry.annotate('status', statusCode)
  if (statusCode === 503) telemetry.count('RequestsUnavailable', 1)
  else if (statusCode >= 400) telemetry.count('RequestsRefused', 1)
}
