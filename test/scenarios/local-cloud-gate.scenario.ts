import { readdirSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { localTarget, readLocalOutputs } from '../../cli/target.ts'
import { localCloud } from '../../localstack/parts.ts'
import { readPorts } from '../../localstack/ports.ts'
import { functionNames } from '../fixtures/function-names.ts'
import { presignedPath } from '../fixtures/presigned-path.ts'

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

/** The header of a signed call. MiniStack does not check the signature. */
const signed = (accessKey: string): string =>
  `AWS4-HMAC-SHA256 Credential=${accessKey}/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=any`

const createFunction = async (headers: Readonly<Record<string, string>>) =>
  send({
    port: ports.cloud,
    method: 'POST',
    path: '/2015-03-31/functions',
    headers: { 'content-type': 'text/plain', authorization: signed((await readLocalOutputs()).accessKeyId), ...headers },
    body: JSON.stringify({ ...FUNCTION, Code: { ZipFile: '' } }),
  })

test.each([
  ['from another local page', { origin: 'http://127.0.0.1:3000', 'sec-fetch-site': 'same-site' }],
  ['from a page on the web', { origin: 'https://example.com', 'sec-fetch-site': 'cross-site' }],
  ['from a page without an origin', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
  ['from a form or an image, without Origin', { 'sec-fetch-site': 'cross-site' }],
  ['after DNS rebinding', { host: `rebound.example.com:${ports.cloud}` }],
])('a request %s creates no function', async (_, headers) => {
  const { status, body } = await createFunction(headers)
  expect([status, JSON.parse(body)]).toEqual([403, { message: expect.stringMatching(/^The local cloud /) }])
  expect(await functionNames(localTarget(await readLocalOutputs()))).not.toContain('attack')
})

test.each([
  ['without an access key', ''],
  ['with the access key that unmodified MiniStack accepts', signed('test')],
  ['with the number of the account', signed('000000000000')],
  ['with another access key of this form', signed(`LOCAL${'0'.repeat(32)}`)],
  ['with the access key of no function', signed(`ASIA${'0'.repeat(32)}`)],
  ['with a bearer token', 'Bearer test'],
])('a program %s creates no function', async (_, authorization) => {
  const { status, body } = await createFunction({ authorization })
  expect([status, JSON.parse(body)]).toEqual([403, { message: expect.stringMatching(/^The local cloud demands its access key/) }])
  expect(await functionNames(localTarget(await readLocalOutputs()))).not.toContain('attack')
})

test('a link to an object works with the access key and not without', async () => {
  const local = await readLocalOutputs()
  const { accessKeyId, secretAccessKey } = local
  const { aws, outputs } = localTarget(local)
  const s3 = new S3Client({ ...aws, forcePathStyle: true })
  const object = { Bucket: outputs.ArchiveBucket, Key: 'gate.txt' }
  await s3.send(new PutObjectCommand({ ...object, Body: 'read' }))
  const host = `127.0.0.1:${ports.cloud}`
  const path = `/${object.Bucket}/${object.Key}`
  const own = { accessKeyId, secretAccessKey }
  const link = { port: ports.cloud, headers: { host, 'sec-fetch-site': 'cross-site' } }
  expect(await send({ ...link, path: presignedPath(path, host, own) })).toMatchObject({ status: 200, body: 'read' })
  for (const bad of [presignedPath(path, host, { ...own, accessKeyId: 'test' }), `${path}?X-Amz-Signature=any`, path])
    expect((await send({ ...link, headers: { host }, path: bad })).status).toBe(403)
  await s3.send(new DeleteObjectCommand(object))
})

test('the port of the cloud does not serve the HTTP API, and MiniStack’s own paths need the access key', async () => {
  const { stack } = await readLocalOutputs()
  const id = /\/\/(\w+)\./.exec(stack.ApiUrl)?.[1]
  expect((await send({ port: ports.cloud, path: `/_aws/execute-api/${id}/$default/v1/health` })).status).toBe(403)
  expect((await send({ port: ports.cloud, method: 'POST', path: '/_ministack/reset' })).status).toBe(403)
  expect((await send({ port: ports.cloud, path: '/_localstack/health' })).status).toBe(200)
})

test('OpenSearch answers programs, and no page', async () => {
  const get = (headers: Readonly<Record<string, string>>) => send({ port: ports.openSearch, path: '/_cat/indices', headers })
  expect((await get({})).status).toBe(200)
  expect((await get({ origin: 'http://127.0.0.1:3000', 'sec-fetch-site': 'same-site' })).status).toBe(403)
  expect((await get({ host: `rebound.example.com:${ports.openSearch}` })).status).toBe(403)
})

test('only this user may read what the local cloud stores', async () => {
  const { folder } = localCloud()
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  expect(statSync(`${folder}/outputs.json`).mode & 0o777).toBe(0o600)
  const assets = readdirSync(`${folder}/cloud/cdk.out`, { recursive: true, encoding: 'utf8' })
  expect(assets.length).toBeGreaterThan(10)
  expect(assets.filter(name => statSync(`${folder}/cloud/cdk.out/${name}`).mode & 0o022)).toEqual([])
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

test('the port that injects faults answers no page, and no program without the access key', async () => {
  const put = { port: ports.faults, method: 'PUT', body: JSON.stringify({ delayMs: 0 }) }
  const authorization = `Bearer ${(await readLocalOutputs()).accessKeyId}`
  for (const headers of [{ origin: 'http://127.0.0.1:3000', authorization }, { host: 'rebound.example.com', authorization }, {}])
    expect((await send({ ...put, headers })).status).toBe(403)
  expect((await send({ port: ports.faults, method: 'DELETE', headers: { authorization } })).status).toBe(204)
})

test('a key that reads is not accepted in a URL', async () => {
  const { readKey, adminKey, writeKey } = await readLocalOutputs()
  for (const key of [readKey, adminKey]) {
    const { status, body } = await send({ port: ports.api, path: `/v1/metrics?writeKey=${key}` })
    expect([status, JSON.parse(body).code]).toEqual([403, 'key_scope'])
    expect((await send({ port: ports.api, method: 'POST', path: `/v1/events?writeKey=${key}`, body: '[]' })).status).toBe(403)
  }
  expect((await send({ port: ports.api, method: 'POST', path: `/v1/events?writeKey=${writeKey}`, body: '[]' })).status).toBe(200)
})
