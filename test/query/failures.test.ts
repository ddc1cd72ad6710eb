import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { environments } from '../../shared/environment.ts'
import { listen, parseLine } from '../fixtures/log-lines.ts'

const SECRET = 'anna@mail.example'
/** The deployed handler. One server has the key of every request, and documents without `window_start`. */
let stores: Server
let status = 200
let handler: (event: APIGatewayProxyEventV2) => Promise<APIGatewayProxyStructuredResultV2>
const environmentBefore = { ...process.env }

beforeAll(async () => {
  stores = createServer((request, response) => {
    const isKeys = request.headers['x-amz-target'] !== undefined
    const hits = [1, 2].map(() => ({ _source: { device_id: SECRET } }))
    const body = isKeys
      ? { Item: { hash: { S: 'ab'.repeat(32) }, name: { S: 'app' }, scope: { S: 'read' } } }
      : { hits: { hits } }
    response.writeHead(isKeys ? 200 : status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }).listen(0, '127.0.0.1')
  await once(stores, 'listening')
  const url = `http://127.0.0.1:${(stores.address() as AddressInfo).port}`
  for (const name of environments.query) process.env[name] = 'any'
  Object.assign(process.env, {
    LAMBDA_TASK_ROOT: '/nowhere',
    POWERTOOLS_METRICS_NAMESPACE: 'millrace-test',
    OPENSEARCH_URL: url,
    AWS_ENDPOINT_URL: url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'none',
    AWS_SECRET_ACCESS_KEY: 'none',
  })
  ;({ handler } = await import('../../lambdas/query/query.lambda.ts'))
})
afterAll(async () => {
  process.env = environmentBefore
  stores.closeAllConnections()
  await new Promise(closed => stores.close(closed))
})

/** The response to a request, and its log line. */
async function get(rawPath: string, query: Readonly<Record<string, string>> = {}) {
  const event = {
    rawPath,
    queryStringParameters: query,
    headers: { authorization: 'Bearer a-key' },
    requestContext: { http: { method: 'GET' } },
  }
  const { result, texts } = await listen(() => handler(event as unknown as APIGatewayProxyEventV2))
  if (result.status === 'rejected') throw result.reason
  return { status: result.value.statusCode, body: JSON.parse(result.value.body ?? ''), line: parseLine(texts[0] ?? '') }
}

test('a document without the field that sorts its page is a 500 with its reason in the log, not a failed store', async () => {
  const { status, body, line } = await get('/v1/projections/device-minutes', { limit: '1' })
  expect([status, body]).toMatchObject([500, { success: false, code: 'internal_error' }])
  expect(line).toMatchObject({ RequestsFailed: 1, error: expect.stringContaining('no string in window_start') })
  expect(line).not.toHaveProperty('RequestsUnavailable')
  expect(JSON.stringify(line)).not.toContain(SECRET)
})

test('a bundle without the console page is a 500', async () => {
  const { status, line } = await get('/')
  expect([status, line]).toMatchObject([500, { RequestsFailed: 1 }])
})

test('a query that OpenSearch refuses is a 500: sending it again cannot help', async () => {
  status = 400
  const { status: responded, line } = await get('/v1/projections/device-minutes')
  status = 200
  expect([responded, line]).toMatchObject([500, { RequestsFailed: 1, error: expect.stringContaining('ResponseError 400') }])
})

test('an error of OpenSearch is a 503', async () => {
  status = 500
  const { status: responded, line } = await get('/v1/projections/device-minutes')
  status = 200
  expect([responded, line]).toMatchObject([503, { RequestsUnavailable: 1, error: expect.stringContaining('ResponseError') }])
  expect(line).not.toHaveProperty('RequestsFailed')
})
