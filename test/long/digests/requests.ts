import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { KinesisClient } from '@aws-sdk/client-kinesis'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { defineHandler } from '../../../lambdas/handler.ts'
import type { IngestDependencies } from '../../../lambdas/ingest/accept-events.ts'
import { ingest } from '../../../lambdas/ingest/ingest.ts'
import { putRecords } from '../../../lambdas/ingest/kinesis.ts'
import { rateLimit } from '../../../lambdas/ingest/rate-limit.ts'
import { keyStore } from '../../../lambdas/keys/dynamodb.ts'
import { quarantineStore } from '../../../lambdas/quarantine/dynamodb.ts'
import { noQuotas } from '../../fixtures/keys.ts'
import { parsed } from './canonical.ts'
import { START, setClock } from './environment.ts'
import type { IngestRequest } from './inputs.ts'

/** The ingest function with the stores of the current cloud. New ids are numbered. */
export function ingestFunction(change: Partial<IngestDependencies> = {}) {
  let made = 0
  const dependencies: IngestDependencies = {
    keys: keyStore('keys', new DynamoDBClient({}), Date.now),
    quarantine: quarantineStore('quarantine', 'aside', new DynamoDBClient({})),
    putRecords: records =>
      putRecords('stream', records, { client: new KinesisClient({}), now: Date.now, wait: async () => undefined }),
    withinRateLimit: () => true,
    quotas: noQuotas,
    signedTraits: false,
    now: Date.now,
    newId: () => `made-${++made}`,
    ...change,
  }
  return defineHandler('ingest', () => ingest(dependencies))
}

export type IngestFunction = ReturnType<typeof ingestFunction>
/** Limits every key to this many requests per second. */
export const limitedTo = (perSecond: number): Partial<IngestDependencies> => ({ withinRateLimit: rateLimit(perSecond, Date.now) })

const down = () => Promise.reject(new Error('down'))
/** Dependencies with one unreachable store each. */
export const outages: Readonly<Record<string, Partial<IngestDependencies>>> = {
  up: {},
  'keys down': { keys: { find: down } },
  'stream down': { putRecords: down },
  'quarantine down': { quarantine: { add: down } },
}

/** A request as the gateway passes it to a function: bytes in base64. */
export function asEvent({ method = 'POST', path, headers = {}, query, body }: IngestRequest): APIGatewayProxyEventV2 {
  const isBase64Encoded = body !== undefined && typeof body !== 'string'
  return apiEvent({
    rawPath: path,
    headers: { host: 'events.example.com', ...headers },
    ...(query && { queryStringParameters: query }),
    ...(body !== undefined && { body: isBase64Encoded ? Buffer.from(body).toString('base64') : body }),
    isBase64Encoded,
    requestContext: { http: { method }, requestId: 'r-1' },
  })
}

/** An event of the HTTP API that has only the fields that the functions read. */
export const apiEvent = (fields: object): APIGatewayProxyEventV2 => fields as APIGatewayProxyEventV2

/** What the gateway adds to the event of a request that it matched with a route. */
export function gatewayEvent(
  routeKey: string,
  { pathParameters = {} }: { readonly pathParameters?: Readonly<Record<string, string>> },
) {
  const [method, path = ''] = routeKey.split(' ')
  const rawPath = path.replace(/\{(\w+)\+?\}/, (_, name) => pathParameters[name] ?? '')
  return { routeKey, rawPath, requestContext: { requestId: 'r', http: { method } } }
}

/** The parts of a response that a client sees. */
export const responseParts = ({ statusCode, headers, body }: APIGatewayProxyStructuredResultV2): unknown[] => [
  statusCode,
  headers ?? {},
  body === undefined ? null : parsed(body),
]

/** Sends the requests one after another, `stepMs` milliseconds apart on the clock. */
export async function sendAll(requests: readonly IngestRequest[], handle: IngestFunction, stepMs: number): Promise<unknown[]> {
  const responses: unknown[] = []
  for (const [n, request] of requests.entries()) {
    setClock(START + n * stepMs)
    responses.push([request.method ?? 'POST', request.path, ...responseParts(await handle(asEvent(request)))])
  }
  return responses
}
