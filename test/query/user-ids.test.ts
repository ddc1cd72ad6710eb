import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { environments } from '../../shared/environment.ts'
import { listen } from '../fixtures/log-lines.ts'

/** A DynamoDB that has every key and no user. */
let dynamodb: Server
/** The keys of the users that were read. */
const read: string[] = []
let handler: (event: APIGatewayProxyEventV2) => Promise<APIGatewayProxyStructuredResultV2>
const environmentBefore = { ...process.env }

beforeAll(async () => {
  dynamodb = createServer(async (request, response) => {
    const { Key } = JSON.parse(await text(request)) as { Key?: { pk?: { S: string } } }
    if (Key?.pk) read.push(Key.pk.S)
    const body = Key && !Key.pk ? { Item: { hash: { S: 'ab'.repeat(32) }, name: { S: 'app' }, scope: { S: 'read' } } } : {}
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body))
  }).listen(0, '127.0.0.1')
  await once(dynamodb, 'listening')
  for (const name of environments.query) process.env[name] = 'none'
  Object.assign(process.env, {
    POWERTOOLS_METRICS_NAMESPACE: 'millrace-test',
    AWS_ENDPOINT_URL: `http://127.0.0.1:${(dynamodb.address() as AddressInfo).port}`,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'none',
    AWS_SECRET_ACCESS_KEY: 'none',
  })
  ;({ handler } = await import('../../lambdas/query/query.lambda.ts'))
})
afterAll(async () => {
  process.env = environmentBefore
  dynamodb.closeAllConnections()
  await new Promise(closed => dynamodb.close(closed))
})

async function get(rawPath: string, queryStringParameters?: Record<string, string>) {
  read.length = 0
  const event = {
    rawPath,
    queryStringParameters,
    headers: { authorization: 'Bearer k' },
    requestContext: { http: { method: 'GET' } },
  }
  const { result } = await listen(() => handler(event as unknown as APIGatewayProxyEventV2))
  if (result.status === 'rejected') throw result.reason
  return { status: result.value.statusCode, code: JSON.parse(result.value.body ?? '{}').code, read: [...read] }
}

test.each(['7', '.', '..', '/', 'a/', 'a/b', 'line\nbreak', '%2F', 'a b+c', '?', '#', '\u{1f600}', '__proto__'])(
  'the user %j is read with ?id=',
  async id => {
    expect(await get('/v1/users', { id })).toEqual({ status: 404, code: 'not_found', read: [`user#${id}`] })
  },
)

test.each([
  ['/v1/users/7', '7'],
  ['/v1/users/a/b', 'a/b'],
  ['/v1/users/a b', 'a b'],
  ['/v1/users/100%25', '100%'],
  ['/v1/users/%2525', '%25'],
])('API Gateway decodes every escape but %25: the path %s is that of the user %j', async (path, id) => {
  expect(await get(path)).toEqual({ status: 404, code: 'not_found', read: [`user#${id}`] })
})

test('without an id, the request is wrong; an id that is too long is that of nobody', async () => {
  expect(await get('/v1/users')).toMatchObject({ status: 400, code: 'invalid_request', read: [] })
  expect(await get('/v1/users', { id: 'x'.repeat(129) })).toMatchObject({ status: 404, read: [] })
})
