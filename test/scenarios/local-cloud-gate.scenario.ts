import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda'
import { readLocalOutputs } from '../../cli/target.ts'
import { cloudSettings } from '../../localstack/ministack.ts'
import { readPorts } from '../../localstack/ports.ts'

const ports = readPorts()
const FUNCTION = { FunctionName: 'attack', Runtime: 'nodejs24.x', Role: 'arn:aws:iam::000000000000:role/r', Handler: 'i.h' }

interface Sent {
  readonly port: number
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** Sends what a browser sends; fetch does not let a program set Host and Origin. */
const send = ({ port, method = 'GET', path = '/', headers = {}, body = '' }: Sent) =>
  new Promise<{ status: number | undefined; headers: NodeJS.Dict<string | string[]>; body: string }>((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, method, path, headers }, async response =>
      resolve({ status: response.statusCode, headers: response.headers, body: await text(response) }),
    )
    outgoing.once('error', reject)
    outgoing.end(body)
  })

const createFunction = (headers: Readonly<Record<string, string>>) =>
  send({
    port: ports.cloud,
    method: 'POST',
    path: '/2015-03-31/functions',
    headers: { 'content-type': 'text/plain', ...headers },
    body: JSON.stringify({ ...FUNCTION, Code: { ZipFile: '' } }),
  })

const functionNames = async (): Promise<(string | undefined)[]> => {
  const { awsEndpointUrl } = await readLocalOutputs()
  const { Functions = [] } = await new LambdaClient(cloudSettings(awsEndpointUrl)).send(new ListFunctionsCommand({}))
  return Functions.map(({ FunctionName }) => FunctionName)
}

test.each([
  ['from another local page', { origin: 'http://127.0.0.1:3000', 'sec-fetch-site': 'same-site' }],
  ['from a page on the web', { origin: 'https://example.com', 'sec-fetch-site': 'cross-site' }],
  ['from a page without an origin', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
  ['from a form or an image, without Origin', { 'sec-fetch-site': 'cross-site' }],
  ['after DNS rebinding', { host: `rebound.example.com:${ports.cloud}` }],
])('a request %s creates no function', async (_, headers) => {
  const { status, body } = await createFunction(headers)
  expect([status, JSON.parse(body)]).toEqual([403, { message: expect.stringMatching(/^The local cloud /) }])
  expect(await functionNames()).not.toContain('attack')
})

test('no page may read what the emulated AWS APIs respond, nor ask for permission to send', async () => {
  const { headers } = await send({ port: ports.cloud, path: '/_localstack/health' })
  expect(Object.keys(headers).filter(name => name.startsWith('access-control-'))).toEqual([])
  const preflight = { origin: 'https://example.com', 'access-control-request-method': 'POST' }
  expect((await send({ port: ports.cloud, method: 'OPTIONS', headers: preflight })).status).toBe(403)
})

test('the API answers pages of every origin, as on AWS, but only under a local name', async () => {
  const { writeKey } = await readLocalOutputs()
  const visit = {
    port: ports.api,
    method: 'POST',
    path: '/v1/events/page_visit',
    body: JSON.stringify({ Id: 900_001, Url: '/gate', Timestamp: 1_700_000_000 }),
  }
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${writeKey}`, origin: 'https://example.com' }
  const fromPage = await send({ ...visit, headers })
  expect([fromPage.status, fromPage.headers['access-control-allow-origin']]).toEqual([200, expect.any(String)])
  expect((await send({ ...visit, headers: { ...headers, host: 'rebound.example.com' } })).status).toBe(403)
})

test('the port that injects faults answers no page', async () => {
  const put = { port: ports.faults, method: 'PUT', body: JSON.stringify({ delayMs: 0 }) }
  expect((await send({ ...put, headers: { origin: 'http://127.0.0.1:3000' } })).status).toBe(403)
  expect((await send({ ...put, headers: { host: 'rebound.example.com' } })).status).toBe(403)
  expect((await send({ port: ports.faults, method: 'DELETE' })).status).toBe(204)
})
