import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { buildConsole } from '../../console/build.ts'
import { environments } from '../../shared/environment.ts'

/** The deployed handler. The URL of every store is a port that closes each connection. */
let stores: Server
let handler: (event: APIGatewayProxyEventV2) => Promise<APIGatewayProxyStructuredResultV2>
const environmentBefore = { ...process.env }
const folder = mkdtempSync(path.join(tmpdir(), 'millrace-query-'))

beforeAll(async () => {
  stores = createServer(socket => socket.destroy()).listen(0, '127.0.0.1')
  await new Promise(listening => stores.once('listening', listening))
  const url = `http://127.0.0.1:${(stores.address() as AddressInfo).port}`
  for (const name of environments.query) process.env[name] = 'there-is-none'
  writeFileSync(path.join(folder, 'console.html'), buildConsole())
  Object.assign(process.env, {
    LAMBDA_TASK_ROOT: folder,
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
  await new Promise(closed => stores.close(closed))
  rmSync(folder, { recursive: true })
})

const request = async (routeKey: string, over: Partial<APIGatewayProxyEventV2> = {}) => {
  const [method, template = ''] = routeKey.split(' ')
  const rawPath = template.replace(/\{(\w+)\+?\}/, (_, name) => over.pathParameters?.[name] ?? 'any')
  const event = { routeKey, rawPath, headers: {}, requestContext: { http: { method } }, ...over }
  const response = await handler(event as APIGatewayProxyEventV2)
  return {
    ...response,
    body: response.headers?.['content-type'] === 'application/json' ? JSON.parse(response.body ?? '') : response.body,
  }
}

const withKey = { headers: { authorization: 'Bearer a-key', origin: 'https://app.example' } }

test('an unreachable store gives 503 with Retry-After, never 401', async () => {
  const response = await request('GET /v1/users/{id+}', { ...withKey, pathParameters: { id: '7' } })
  expect(response).toMatchObject({
    statusCode: 503,
    body: { success: false, code: 'unavailable' },
    headers: { 'retry-after': '5' },
  })
})

test('any origin may read an error, and errors are not cached', async () => {
  const { headers } = await request('GET /v1/projections/{name}', withKey)
  expect(headers).toMatchObject({
    'access-control-allow-origin': '*',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  expect(headers?.['access-control-allow-credentials']).toBeUndefined()
})

test('a request without a key, or with two different keys, is rejected before any store is read', async () => {
  expect(await request('GET /v1/reports/{name}')).toMatchObject({ statusCode: 401, body: { code: 'key_missing' } })
  const conflict = await request('GET /v1/reports/{name}', { ...withKey, queryStringParameters: { writeKey: 'another' } })
  expect(conflict).toMatchObject({ statusCode: 401, body: { code: 'key_conflict' } })
})

test('HEAD is answered like GET, without the body, with and without a trailing slash', async () => {
  const over = { rawPath: '/v1/health/' }
  const [get, head] = [
    await request('GET /v1/health', over),
    await handler({
      routeKey: 'HEAD /v1/{proxy+}',
      headers: {},
      requestContext: { http: { method: 'HEAD' } },
      ...over,
    } as APIGatewayProxyEventV2),
  ]
  expect(head).toEqual({ statusCode: get.statusCode, headers: get.headers })
})

test('an unknown route gives not_found', async () => {
  expect(await request('GET /v1/nothing')).toMatchObject({ statusCode: 404, body: { code: 'not_found' } })
})

test('health needs no key and reports which stores are unreachable', async () => {
  const { statusCode, body } = await request('GET /v1/health')
  const down = { reachable: false, lagSeconds: null }
  expect(statusCode).toBe(503)
  expect(body).toEqual({ ok: false, stores: { stream: down, state: down, archive: down, reports: down, search: down } })
})

test('the console page is HTML whose policy forbids loading other resources', async () => {
  const { statusCode, headers, body } = await request('GET /')
  expect([statusCode, headers?.['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
  expect(headers?.['content-security-policy']).toContain("default-src 'none'")
  expect(headers).toMatchObject({ 'cross-origin-opener-policy': 'same-origin', 'x-content-type-options': 'nosniff' })
  expect(headers?.['access-control-allow-origin']).toBeUndefined()
  expect(body).toContain('<!doctype html>')
})

test.each(['GET /', 'GET /v1/openapi.json'])('%s is cached, and not sent again to a client that has it', async route => {
  const { headers, body } = await request(route)
  expect(headers).toMatchObject({ 'cache-control': 'public, max-age=60', etag: expect.stringMatching(/^W\/"[\w-]{43}"$/) })
  const etag = String(headers?.['etag'])
  for (const known of [etag, etag.slice(2), `"other", ${etag}`, '*'])
    expect(await request(route, { headers: { 'if-none-match': known } })).toMatchObject({ statusCode: 304, body: undefined })
  expect((await request(route, { headers: { 'if-none-match': '"other"' } })).body).toEqual(body)
})
