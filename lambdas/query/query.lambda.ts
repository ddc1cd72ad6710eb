import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { type Rejection, reject } from '../../shared/rejections.ts'
import { type Route, routes } from '../../shared/routes.ts'
import { describeError } from '../../shared/safe-error.ts'
import { type Told, handler as wrap } from '../handler.ts'
import { allows, type KeyStore, keyStore, presentedKey } from '../keys/dynamodb.ts'
import { type Answer, refuse } from './answer.ts'
import { type Answers, answersOf } from './answers.ts'
import { within } from './deadline.ts'

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

function tell(told: Told, { statusCode = 200 }: Answer, routeKey: string): void {
  told.note('route', routeKey)
  told.note('status', statusCode)
  if (statusCode === 503) told.count('RequestsUnavailable', 1)
  else if (statusCode >= 400) told.count('RequestsRefused', 1)
}
