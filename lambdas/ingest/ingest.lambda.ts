import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { v7 as uuid } from 'uuid'
import { eventTypes } from '../../shared/catalogue.ts'
import { corsHeaders, preflightHeaders } from '../../shared/cors.ts'
import type { Dialect } from '../../shared/dialect.ts'
import { envelopes, rowsOf } from '../../shared/dialects/native.ts'
import { isRejection, type Rejection, reject, rejections } from '../../shared/rejections.ts'
import { type Told, handler as wrap } from '../handler.ts'
import { allows, type Key, type KeyStore, keyStore, presentedKey } from '../keys/dynamodb.ts'
import { quarantine } from '../quarantine/dynamodb.ts'
import { putRecords } from './kinesis.ts'
import { type Sorted, sortElements } from './plan-events.ts'
import { packRecords } from './plan-records.ts'
import { bodyText, elements } from './request.ts'

type Request = APIGatewayProxyEventV2
type Answer = APIGatewayProxyStructuredResultV2

const catalogue = new Map(eventTypes.map(type => [type.name, type]))
const RETRY_AFTER_SECONDS = '1'

/** Takes events in: 200 only once every one of them is in the stream or in quarantine. */
export const handler = wrap('ingest', environment => {
  const keys = keyStore(environment.KEYS_TABLE)
  const aside = quarantine(environment.QUARANTINE_TABLE, environment.QUARANTINE_BUCKET)
  const store = async ({ events, refusals }: Sorted): Promise<void> => {
    await Promise.all([
      putRecords(environment.STREAM_NAME, packRecords(events, catalogue)),
      aside.keep(refusals.map(({ kept }) => kept)),
    ])
  }
  return async (request: Request, told): Promise<Answer> => {
    if (request.requestContext.http.method === 'OPTIONS') return { statusCode: 204, headers: preflightHeaders(request.headers) }
    const outcome = await take(request, keys, store).catch((error: Error): Rejection => {
      told.note('unavailable', error.name)
      return reject('unavailable')
    })
    tell(outcome, told)
    return answer(outcome, request)
  }
})

async function take(request: Request, keys: KeyStore, store: (sorted: Sorted) => Promise<void>): Promise<Sorted | Rejection> {
  const key = await writeKey(request, keys)
  if (isRejection(key)) return key
  const dialect = dialectOf(request)
  if (isRejection(dialect)) return dialect
  const text = bodyText(request)
  if (typeof text !== 'string') return text
  const body = elements(text, request.headers['content-type'])
  if (isRejection(body)) return body
  const arrival = { eventTypes: catalogue, keyName: key.name, received: Date.now(), defaultId: () => uuid() }
  const sorted = sortElements(dialect(body), arrival)
  await store(sorted)
  return sorted
}

async function writeKey({ headers, queryStringParameters }: Request, keys: KeyStore): Promise<Key | Rejection> {
  const presented = presentedKey({ headers, query: queryStringParameters })
  if (typeof presented !== 'string') return presented
  const key = await keys.find(presented)
  if (!key) return reject('key_unknown')
  return allows(key.scope, 'write') ? key : reject('key_scope')
}

function dialectOf({ pathParameters }: Request): Dialect | Rejection {
  const type = pathParameters?.['type']
  if (type === undefined) return envelopes
  return catalogue.has(type) ? rowsOf(type) : reject('unknown_type')
}

function tell(outcome: Sorted | Rejection, told: Told): void {
  if (!isRejection(outcome)) {
    told.count('EventsAccepted', outcome.events.length)
    told.count('EventsQuarantined', outcome.refusals.length)
  } else {
    told.note('code', outcome.code)
    told.count(outcome.code === 'unavailable' ? 'RequestsUnavailable' : 'RequestsRefused', 1)
  }
}

function answer(outcome: Sorted | Rejection, { headers }: Request): Answer {
  const shared = { 'content-type': 'application/json', ...corsHeaders(headers) }
  if (isRejection(outcome)) {
    const { status } = rejections[outcome.code]
    const patience = status === 503 || status === 429 ? { 'retry-after': RETRY_AFTER_SECONDS } : {}
    return { statusCode: status, headers: { ...shared, ...patience }, body: JSON.stringify({ success: false, ...outcome }) }
  }
  const quarantined = outcome.refusals.map(({ index, kept: { id, code, message } }) => ({ index, id, code, message }))
  return {
    statusCode: 200,
    headers: shared,
    body: JSON.stringify({ success: true, accepted: outcome.events.length, quarantined }),
  }
}
