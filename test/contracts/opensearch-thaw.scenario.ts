import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { openSearch } from '../../lambdas/search/opensearch.ts'
import { installOpenSearch, type Node, openSearchUrl, startOpenSearch, stopOpenSearch } from '../../localstack/opensearch.ts'
import { type CertificateFiles, type ClosableProxy, closableProxy, makeCertificate } from '../fixtures/closable-proxy.ts'
import { freePort } from '../fixtures/emulated-cloud.ts'
import type { FrozenCall, FrozenResult } from '../fixtures/frozen-client.ts'

const START_MS = 240_000
const THAWS = 20

let node: Node
let certificate: CertificateFiles

beforeAll(async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'millrace-thaw-'))
  node = { folder, port: await freePort(), transportPort: await freePort() }
  certificate = makeCertificate(folder)
  await startOpenSearch(node, await installOpenSearch(() => undefined))
}, START_MS)

afterAll(async () => {
  await stopOpenSearch(node)
  rmSync(node.folder, { recursive: true, force: true })
})

test.each(['http', 'https'] as const)(
  `after a freeze in which its idle sockets were closed, none of ${THAWS} calls of a function fails (%s)`,
  async protocol => {
    const proxy = await closableProxy(Number(new URL(openSearchUrl(node)).port), protocol === 'https' ? certificate : undefined)
    const child = startClient(`${protocol}://127.0.0.1:${proxy.port}`)
    try {
      const results = [await call(child, { id: 0, kind: 'search', freeze: false })]
      const closed: number[] = []
      for (let id = 1; id <= THAWS; id++) {
        const { result, sockets } = await callAfterThaw(child, proxy, { id, kind: id % 2 ? 'bulk' : 'search', freeze: true })
        results.push(result)
        closed.push(sockets)
      }
      expect(results.filter(({ error }) => error !== null)).toEqual([])
      expect(Math.min(...closed)).toBeGreaterThan(0)
      expect(Math.max(...closed)).toBeGreaterThan(1)
      expect(await writtenIds()).toEqual(Array.from({ length: THAWS / 2 }, (_, n) => 2 * n + 1))
    } finally {
      child.kill('SIGKILL')
      await proxy.close()
    }
  },
)

/** The functions' client in a process of its own. On https, it signs with these credentials. */
const startClient = (url: string): ChildProcess =>
  fork('test/fixtures/frozen-client.ts', [url], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: {
      ...process.env,
      NODE_EXTRA_CA_CERTS: certificate.certificate,
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'AKIDTHAW',
      AWS_SECRET_ACCESS_KEY: 'none',
    },
  })

async function call(child: ChildProcess, message: FrozenCall): Promise<FrozenResult> {
  const result = once(child, 'message')
  child.send(message)
  return (await result)[0] as FrozenResult
}

/** Sends a call, and closes the sockets of the process at the server while it is stopped before the call. */
async function callAfterThaw(child: ChildProcess, proxy: ClosableProxy, message: FrozenCall) {
  const stopping = once(child.stdout as Readable, 'data')
  const result = call(child, message)
  await stopping
  const sockets = proxy.closeSockets()
  // The process may stop some time after it said so. What continues it before has no effect.
  const continuing = setInterval(() => child.kill('SIGCONT'), 20)
  try {
    return { result: await result, sockets }
  } finally {
    clearInterval(continuing)
  }
}

/** The ids of the documents that the calls wrote. */
async function writtenIds(): Promise<number[]> {
  const client = openSearch(openSearchUrl(node))
  try {
    await client.indices.refresh({ index: 'thawed' })
    const { body } = await client.search({ index: 'thawed', size: THAWS, body: { sort: [{ id: 'asc' }] } })
    return body.hits.hits.map(({ _id }) => Number(_id))
  } finally {
    await client.close()
  }
}
