import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { jest } from '@jest/globals'
import type { Client } from '@opensearch-project/opensearch'
import { bulk, openSearch } from '../../lambdas/search/opensearch.ts'
import {
  installOpenSearch,
  killOpenSearch,
  type Node,
  type OpenSearch,
  openSearchUrl,
  startOpenSearch,
  stopOpenSearch,
} from '../../localstack/opensearch.ts'
import type { BulkOperation } from '../../shared/bulk-operation.ts'
import { outcomeOf } from '../../shared/bulk-outcome.ts'
import { freePort } from '../fixtures/emulated-cloud.ts'

jest.setTimeout(240_000)

let installed: OpenSearch
let node: Node
let client: Client

beforeAll(async () => {
  installed = await installOpenSearch(() => undefined)
  const folder = mkdtempSync(path.join(tmpdir(), 'millrace-opensearch-'))
  node = { folder, port: await freePort(), transportPort: await freePort() }
  await startOpenSearch(node, installed)
  client = openSearch(openSearchUrl(node))
}, 240_000)

afterAll(async () => {
  await client.close()
  await stopOpenSearch(node)
  rmSync(node.folder, { recursive: true, force: true })
})

const index = (id: string, version: number, n = version): BulkOperation => ({
  action: 'index',
  index: 'contract',
  id,
  version,
  document: { n },
})
const remove = (id: string, version: number): BulkOperation => ({ action: 'delete', index: 'contract', id, version })
const create = (id: string, n: number): BulkOperation => ({ action: 'create', index: 'contract', id, document: { n } })

const statuses = async (...operations: BulkOperation[]): Promise<number[]> =>
  (await bulk(client, operations)).map(({ status }) => status)
const outcomes = async (...operations: BulkOperation[]) => (await bulk(client, operations)).map(outcomeOf)
const found = async (id: string): Promise<unknown> => {
  const { body } = await client.get({ index: 'contract', id }, { ignore: [404] })
  return body.found ? body._source : undefined
}

test('a greater or equal version is written, a smaller one is superseded', async () => {
  expect(await outcomes(index('a', 5), index('a', 5), index('a', 4, 99), index('a', 6))).toEqual([
    'written',
    'written',
    'superseded',
    'written',
  ])
  expect(await found('a')).toEqual({ n: 6 })
})

test('versions may be as large as order numbers and their sums', async () => {
  const version = 16 * 1_800_000_000_000_000
  expect(Number.isSafeInteger(version / 16)).toBe(true)
  expect(await outcomes(index('large', version), index('large', version - 16))).toEqual(['written', 'superseded'])
})

test('a document is created only once', async () => {
  expect(await statuses(create('c', 1), create('c', 2))).toEqual([201, 409])
  expect(await found('c')).toEqual({ n: 1 })
})

test('a late write does not restore a deleted document, and deleting an absent document is no failure', async () => {
  await client.indices.putSettings({ index: 'contract', body: { index: { gc_deletes: '20m' } } })
  expect(await outcomes(index('d', 3), remove('d', 8), index('d', 7), remove('absent', 1))).toEqual([
    'written',
    'written',
    'superseded',
    'superseded',
  ])
  expect(await found('d')).toBeUndefined()
})

test('OpenSearch forgets a deletion after gc_deletes, so the product sets it longer than any function runs', async () => {
  await client.indices.create({ index: 'forgetful', body: { settings: { index: { gc_deletes: '100ms' } } } })
  const at = (operation: BulkOperation): BulkOperation => ({ ...operation, index: 'forgetful' })
  expect(await outcomes(at(index('d', 3)), at(remove('d', 8)))).toEqual(['written', 'written'])
  const restored = async () => (await outcomes(at(index('d', 7))))[0] === 'written'
  expect(await within(60_000, async () => (await client.indices.refresh({ index: 'forgetful' })) && restored())).toBe(true)
})

test('a document that does not fit its mapping is refused; other documents of the request are written', async () => {
  await client.indices.create({ index: 'strict', body: { mappings: { dynamic: 'strict', properties: { n: { type: 'long' } } } } })
  const at = (operation: BulkOperation): BulkOperation => ({ ...operation, index: 'strict' })
  const bad: BulkOperation = { action: 'index', index: 'strict', id: 'bad', version: 1, document: { other: 1 } }
  expect(await outcomes(bad, at(index('good', 1)))).toEqual(['refused', 'written'])
})

test('a busy cluster responds with 429 and keeps what it wrote before', async () => {
  await statuses(index('before', 1))
  // More than the tenth of its heap that it uses for writes in progress.
  const body = Array.from({ length: 60 }, (_, i) => index(`busy-${i}`, 1)).map(operation => ({
    ...operation,
    document: { text: 'x'.repeat(2 ** 20) },
  }))
  const refused = await bulk(client, body as BulkOperation[]).catch((error: { statusCode?: number }) => error.statusCode)
  expect(refused).toBe(429)
  expect(await found('before')).toEqual({ n: 1 })
})

test('acknowledged documents, versions and deletions survive a kill', async () => {
  const written = Array.from({ length: 500 }, (_, i) => index(`kept-${i}`, i + 1))
  expect(new Set(await outcomes(...written, index('gone', 1), remove('gone', 2)))).toEqual(new Set(['written']))
  expect(await killOpenSearch(node)).toBe(true)
  await startOpenSearch(node, installed)
  const { body } = await client.mget({ body: { docs: written.map(({ id }) => ({ _index: 'contract', _id: id })) } })
  expect(body.docs.map(doc => ('found' in doc && doc.found ? doc._version : undefined))).toEqual(written.map((_, i) => i + 1))
  expect(await outcomes(index('kept-0', 1), index('kept-9', 9), index('gone', 1))).toEqual([
    'written',
    'superseded',
    'superseded',
  ])
})

async function within(milliseconds: number, condition: () => Promise<boolean>): Promise<boolean> {
  for (const end = Date.now() + milliseconds; Date.now() < end; await delay(200)) if (await condition()) return true
  return false
}
