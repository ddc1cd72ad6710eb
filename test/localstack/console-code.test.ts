import { once } from 'node:events'
import { readdirSync, utimesSync, writeFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { createCode } from '../../localstack/cloud/console-code.ts'
import { startProxy } from '../../localstack/cloud/proxy.ts'
import { CONSOLE_KEYS_PATH } from '../../shared/console-link.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const folder = temporaryFolder('code')
const codes = path.join(folder, 'codes')
const outputs = path.join(folder, 'outputs.json')
writeFileSync(
  outputs,
  JSON.stringify({ readKey: 'mr_read_1', writeKey: 'mr_write_1', adminKey: 'mr_admin_1', accessKeyId: 'LOCAL' }),
)

let servers: readonly Server[] = []
let origin: string

beforeAll(async () => {
  const target = 'http://127.0.0.1:9/'
  servers = await startProxy({ apiPort: 0, faultsPort: 0, target, accessKey: 'LOCAL', console: { codes, outputs } })
  origin = `http://127.0.0.1:${portOf(servers[0])}`
})
afterAll(async () => {
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
})

const portOf = (server: Server | undefined): number | undefined => (server?.address() as AddressInfo | undefined)?.port

const exchange = (code: string, headers: Record<string, string> = { origin }, method = 'POST') =>
  fetch(`${origin}${CONSOLE_KEYS_PATH}`, { method, headers, ...(method === 'POST' && { body: code }) })

test('a code gives the keys of the console once', async () => {
  const code = createCode(codes)
  const response = await exchange(code)
  expect([response.status, response.headers.get('cache-control'), await response.json()]).toEqual([
    200,
    'no-store',
    { read: 'mr_read_1', write: 'mr_write_1', admin: 'mr_admin_1' },
  ])
  expect((await exchange(code)).status).toBe(401)
})

test('of two requests with one code at once, one gets the keys', async () => {
  const code = createCode(codes)
  const both = await Promise.all([exchange(code), exchange(code)])
  expect(both.map(({ status }) => status).sort()).toEqual([200, 401])
})

test('a code is not exchanged for a page of another origin, for no page, or with GET; then it is still good', async () => {
  const code = createCode(codes)
  for (const headers of [{ origin: 'http://127.0.0.1:3000' }, { origin: 'null' }, {}] as Record<string, string>[])
    expect((await exchange(code, headers)).status).toBe(403)
  expect((await exchange(code, { origin }, 'GET')).status).toBe(403)
  expect((await exchange(code)).status).toBe(200)
})

test('no response may be read by a page of another origin', async () => {
  const { headers } = await exchange('x', { origin: 'http://127.0.0.1:3000' })
  expect([...headers.keys()].filter(name => name.startsWith('access-control-'))).toEqual([])
})

test('another text, a path, an old code and a long body give 401', async () => {
  const old = createCode(codes)
  const hourAgo = new Date(Date.now() - 61 * 60_000)
  for (const name of readdirSync(codes)) utimesSync(path.join(codes, name), hourAgo, hourAgo)
  for (const code of ['x', '', '../outputs.json', old, 'x'.repeat(2000)]) expect((await exchange(code)).status).toBe(401)
})

test('a new code deletes the old ones that nobody used', () => {
  createCode(codes)
  const hourAgo = new Date(Date.now() - 61 * 60_000)
  for (const name of readdirSync(codes)) utimesSync(path.join(codes, name), hourAgo, hourAgo)
  createCode(codes)
  expect(readdirSync(codes)).toHaveLength(1)
})
