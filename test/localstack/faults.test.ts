import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { drawFaults } from '../../localstack/cloud/faults.ts'
import { startProxy } from '../../localstack/cloud/proxy.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const folder = temporaryFolder('proxy')
const console = { codes: folder, outputs: `${folder}/outputs.json` }
const withKey = { authorization: 'Bearer LOCAL' }

test('the same seed cuts the same connections', () => {
  const cuts = (seed: number): (string | undefined)[] => {
    const draw = drawFaults({ cut: { when: 'after', probability: 0.5, seed } })
    return Array.from({ length: 40 }, () => draw().cut)
  }
  expect(cuts(1)).toEqual(cuts(1))
  expect(cuts(1)).not.toEqual(cuts(2))
  expect(new Set(cuts(1))).toEqual(new Set(['after', undefined]))
})

test('a status is drawn the given number of times', () => {
  const draw = drawFaults({ status: { code: 503, times: 2 }, delayMs: 5 })
  expect([draw(), draw(), draw()]).toEqual([
    { status: 503, cut: undefined, delayMs: 5 },
    { status: 503, cut: undefined, delayMs: 5 },
    { status: undefined, cut: undefined, delayMs: 5 },
  ])
})

describe('the proxy', () => {
  let servers: readonly Server[]
  let seen: { url: string | undefined; headers: IncomingMessage['headers']; body: Buffer }[]
  let api: string
  let faults: string
  let respond: (response: ServerResponse) => void

  beforeEach(async () => {
    seen = []
    respond = response => response.writeHead(201, { 'x-answer': 'yes' }).end('made')
    const backend = createServer(async (incoming, response) => {
      seen.push({ url: incoming.url, headers: incoming.headers, body: await buffer(incoming) })
      respond(response)
    })
    const target = `${await listen(backend)}/_aws/execute-api/id/$default`
    const proxies = await startProxy({ apiPort: 0, faultsPort: 0, target, accessKey: 'LOCAL', console })
    ;[api = '', faults = ''] = proxies.map(urlOf)
    servers = [backend, ...proxies]
  })

  afterEach(async () => {
    for (const server of servers) {
      server.closeAllConnections()
      await new Promise(done => server.close(done))
    }
  })

  const post = (body: string | Uint8Array<ArrayBuffer> = 'x', headers: Record<string, string> = {}) =>
    fetch(`${api}/v1/events?a=%2F&b`, { method: 'POST', body, headers })
  const inject = (settings: object) => fetch(faults, { method: 'PUT', body: JSON.stringify(settings), headers: withKey })

  test('forwards method, path, query, headers and bytes unchanged, and adds the client address', async () => {
    const bytes = Buffer.from([0x1f, 0x8b, 0, 255])
    const response = await post(bytes, { 'X-Write-Key': 'k', 'x-forwarded-for': '10.0.0.1' })
    expect([response.status, response.headers.get('x-answer'), await response.text()]).toEqual([201, 'yes', 'made'])
    expect(seen[0]).toMatchObject({
      url: '/_aws/execute-api/id/$default/v1/events?a=%2F&b',
      headers: { 'x-write-key': 'k', 'x-forwarded-for': '10.0.0.1, 127.0.0.1' },
    })
    expect(seen[0]?.body.equals(bytes)).toBe(true)
  })

  test('streams a response before it has ended', async () => {
    let finish = (): void => undefined
    respond = response => {
      response.write('first')
      finish = () => response.end('last')
    }
    const reader = (await post()).body?.getReader()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('first')
    finish()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('last')
  })

  test('an injected status is returned the given number of times, without forwarding', async () => {
    expect((await inject({ status: { code: 503, times: 2 } })).status).toBe(204)
    expect([(await post()).status, (await post()).status, (await post()).status]).toEqual([503, 503, 201])
    expect(seen).toHaveLength(1)
  })

  test('a connection is cut before the request is forwarded, or after the response', async () => {
    await inject({ cut: { when: 'before', probability: 1, seed: 1 } })
    await expect(post()).rejects.toThrow('fetch failed')
    expect(seen).toHaveLength(0)
    await inject({ cut: { when: 'after', probability: 1, seed: 1 } })
    await expect(post()).rejects.toThrow('fetch failed')
    expect(seen).toHaveLength(1)
    await fetch(faults, { method: 'DELETE', headers: withKey })
    expect((await post()).status).toBe(201)
  })

  test('faults are set only with the access key of the cloud', async () => {
    for (const authorization of ['', 'Bearer other', 'AWS4-HMAC-SHA256 Credential=LOCALother/20260101/us-east-1/s3/aws4_request'])
      expect((await fetch(faults, { method: 'DELETE', headers: { authorization } })).status).toBe(403)
    const signed = 'AWS4-HMAC-SHA256 Credential=LOCAL/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=any'
    expect((await fetch(faults, { method: 'DELETE', headers: { authorization: signed } })).status).toBe(204)
  })

  test('requests to the cloud have its access key, which the functions never get from a client', async () => {
    await post('x', { 'x-millrace-access-key': 'stolen' })
    expect(seen[0]?.headers['x-millrace-access-key']).toBe('LOCAL')
  })

  test('invalid faults are rejected', async () => {
    expect((await inject({ status: { code: 200, times: 1 } })).status).toBe(400)
    expect((await inject({ unknown: 1 })).status).toBe(400)
  })

  test('an unavailable cloud gives 503, a body over 10 MB gives 413, as at API Gateway', async () => {
    expect((await post(new Uint8Array(10 * 2 ** 20 + 1))).status).toBe(413)
    respond = response => response.destroy()
    expect((await post()).status).toBe(503)
  })
})

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return urlOf(server)
}

const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
