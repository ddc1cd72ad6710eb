import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { KinesisClient } from '@aws-sdk/client-kinesis'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { defineHandler } from '../../../lambdas/handler.ts'
import { type IngestDependencies, ingest } from '../../../lambdas/ingest/ingest.ts'
import { putRecords } from '../../../lambdas/ingest/kinesis.ts'
import { rateLimit } from '../../../lambdas/ingest/rate-limit.ts'
import { keyStore } from '../../../lambdas/keys/dynamodb.ts'
import { quarantineStore } from '../../../lambdas/quarantine/dynamodb.ts'
import { parsed } from './canonical.ts'
import { START, setClock } from './environment.ts'
import type { Posted } from './inputs.ts'

/** The real function over the stores of the current cloud, with ids that are counted. */
export function ingestFunction(change: Partial<IngestDependencies> = {}) {
  let made = 0
  const world: IngestDependencies = {
    keys: keyStore('keys', new DynamoDBClient({}), Date.now),
    quarantine: quarantineStore('quarantine', 'aside', new DynamoDBClient({})),
    putRecords: records =>
      putRecords('stream', records, { client: new KinesisClient({}), now: Date.now, wait: async () => undefined }),
    withinRateLimit: () => true,
    now: Date.now,
    newId: () => `made-${++made}`,
    ...change,
  }
  return defineHandler('ingest', () => ingest(world))
}

export type IngestFunction = ReturnType<typeof ingestFunction>
/** At most so many requests a second of a key. */
export const slowly = (perSecond: number): Partial<IngestDependencies> => ({ withinRateLimit: rateLimit(perSecond, Date.now) })

const down = () => Promise.reject(new Error('down'))
/** Worlds in which a store does not answer. */
export const broken: Readonly<Record<string, Partial<IngestDependencies>>> = {
  up: {},
  'keys down': { keys: { find: down } },
  'stream down': { putRecords: down },
  'quarantine down': { quarantine: { add: down } },
}

/** A request as the gateway hands it over; bytes come in base64. */
export function asEvent({ method = 'POST', path, headers = {}, query, body }: Posted): APIGatewayProxyEventV2 {
  const isBase64Encoded = body !== undefined && typeof body !== 'string'
  return {
    rawPath: path,
    headers: { host: 'events.example.com', ...headers },
    ...(query && { queryStringParameters: query }),
    ...(body !== undefined && { body: isBase64Encoded ? Buffer.from(body).toString('base64') : body }),
    isBase64Encoded,
    requestContext: { http: { method }, requestId: 'r-1' },
  } as unknown as APIGatewayProxyEventV2
}

/** An answer as clients see it. */
export const seen = ({ statusCode, headers, body }: APIGatewayProxyStructuredResultV2): unknown[] => [
  statusCode,
  headers ?? {},
  body === undefined ? null : parsed(body),
]

/** Sends the requests one after another, each so many milliseconds later. */
export async function sendAll(posts: readonly Posted[], take: IngestFunction, stepMs: number): Promise<unknown[]> {
  const answers: unknown[] = []
  for (const [n, post] of posts.entries()) {
    setClock(START + n * stepMs)
    answers.push([post.method ?? 'POST', post.path, ...seen(await take(asEvent(post)))])
  }
  return answers
}
