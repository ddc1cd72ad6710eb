import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { startGate } from '../../localstack/cloud/search-gate.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

let backend: Server
let gate: Server
let seen: string[]
const calls = join(temporaryFolder('search-gate'), 'calls.jsonl')

beforeAll(async () => {
  backend = createServer(async (incoming, response) => {
    seen.push(`${incoming.method} ${incoming.url} ${await text(incoming)}`)
    response.writeHead(201, { 'x-answer': 'yes' }).end('made')
  }).listen(0, '127.0.0.1')
  await once(backend, 'listening')
  gate = await startGate(0, `http://127.0.0.1:${portOf(backend)}`, calls)
})
beforeEach(() => {
  seen = []
})
afterAll(async () => {
  for (const server of [gate, backend]) {
    server.closeAllConnections()
    await new Promise(closed => server.close(closed))
  }
})

const portOf = (server: Server): number => (server.address() as AddressInfo).port

const send = (headers: Readonly<Record<string, string>>): Promise<{ status: number | undefined; body: string }> =>
  new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: portOf(gate), method: 'POST', path: '/a/_doc?refresh=true', headers }
    request(options, async response => resolve({ status: response.statusCode, body: await text(response) }))
      .once('error', reject)
      .end('{}')
  })

test('a program is answered, under both local names', async () => {
  for (const host of ['127.0.0.1', `localhost:1`]) expect(await send({ host })).toEqual({ status: 201, body: 'made' })
  expect(seen).toEqual(['POST /a/_doc?refresh=true {}', 'POST /a/_doc?refresh=true {}'])
})

test.each([
  ['from a page of another local origin', { origin: 'http://127.0.0.1:3000', 'sec-fetch-site': 'same-site' }],
  ['from a page on the web', { origin: 'https://example.com', 'sec-fetch-site': 'cross-site' }],
  ['from a form, an image or a link, without Origin', { 'sec-fetch-site': 'cross-site' }],
  ['after DNS rebinding', { host: 'rebound.example.com', 'sec-fetch-site': 'same-origin' }],
  ['under a name that begins like a local one', { host: 'localhost.example.com' }],
])('a request %s does not reach OpenSearch', async (_, headers) => {
  const { status, body } = await send(headers)
  expect([status, JSON.parse(body).message]).toEqual([403, expect.stringMatching(/^The local OpenSearch answers no web pages/)])
  expect(seen).toEqual([])
})

test('different requests of functions are recorded while the file for them exists, and no others', async () => {
  const authorization = `Basic ${Buffer.from('stack-QueryFunction:local').toString('base64')}`
  await send({ authorization })
  expect(existsSync(calls)).toBe(false)
  writeFileSync(calls, '')
  await send({})
  const line = `${JSON.stringify({ function: 'stack-QueryFunction', method: 'POST', url: '/a/_doc?refresh=true' })}\n`
  for (let time = 0; time < 2; time++) await send({ authorization })
  expect(readFileSync(calls, 'utf8')).toBe(line)
  rmSync(calls)
  writeFileSync(calls, '')
  await send({ authorization })
  expect(readFileSync(calls, 'utf8')).toBe(line)
  rmSync(calls)
})

test('while OpenSearch does not respond, the status is 503', async () => {
  const orphan = await startGate(0, 'http://127.0.0.1:9', calls)
  const response = await fetch(`http://127.0.0.1:${portOf(orphan)}/`)
  expect([response.status, await response.json()]).toEqual([503, { message: 'OpenSearch does not respond.' }])
  orphan.closeAllConnections()
  await new Promise(closed => orphan.close(closed))
})
