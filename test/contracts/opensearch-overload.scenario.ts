import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Client, errors } from '@opensearch-project/opensearch'
import { openSearch } from '../../lambdas/search/opensearch.ts'
import { type BulkDependencies, writeBulk } from '../../lambdas/search/write-bulk.ts'
import { installOpenSearch, type Node, openSearchUrl, startOpenSearch, stopOpenSearch } from '../../localstack/opensearch.ts'
import { waitUntil } from '../../localstack/processes.ts'
import type { BulkOperation } from '../../shared/bulk-operation.ts'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import { SafeError } from '../../shared/safe-error.ts'
import { freePort } from '../fixtures/emulated-cloud.ts'

const START_MS = 240_000
const DEADLINE_MS = 60_000

let node: Node
let client: Client

/** This node accepts few writes at once. It rejects whole requests when memory is short and single documents when threads are. */
beforeAll(async () => {
  const settings = { 'indexing_pressure.memory.limit': '64kb', 'thread_pool.write.size': 1, 'thread_pool.write.queue_size': 4 }
  const folder = mkdtempSync(path.join(tmpdir(), 'millrace-opensearch-'))
  node = { folder, port: await freePort(), transportPort: await freePort(), settings }
  await startOpenSearch(node, await installOpenSearch(() => undefined))
  client = openSearch(openSearchUrl(node))
}, START_MS)

afterAll(async () => {
  await client.close()
  await stopOpenSearch(node)
  rmSync(node.folder, { recursive: true, force: true })
})

test(
  'whole requests and single documents that a busy cluster rejects are sent again until each document exists once',
  async () => {
    const { dependencies, quarantined, counts } = recordingDependencies()
    const batches = Array.from({ length: 20 }, (_, n) => documentsOf(n))
    const rejected = (await Promise.all(batches.map(batch => deliver(batch, dependencies)))).flat()
    expect(new Set(rejected)).toEqual(new Set(['the whole request', 'some documents']))
    expect(counts.get('Retries')).toBeGreaterThan(0)
    expect(quarantined).toEqual([])

    const operations = batches.flat()
    const { body } = await client.mget({ body: { docs: operations.map(({ index, id }) => ({ _index: index, _id: id })) } })
    const versions = body.docs.map(doc => 'found' in doc && doc.found && doc._version)
    expect(versions).toEqual(operations.map(operation => ('version' in operation ? operation.version : 1)))
  },
  2 * DEADLINE_MS,
)

/** A batch of indexed and created documents in four indices. */
const documentsOf = (batch: number): BulkOperation[] =>
  Array.from({ length: 40 }, (_, n) => {
    const target = { index: `scattered-${n % 4}`, id: `${batch}-${n}`, document: { batch, n } }
    return n % 8 < 4 ? { action: 'create', ...target } : { action: 'index', version: 100 + n, ...target }
  })

/** The dependencies of `writeBulk`, with what it quarantines and counts. */
function recordingDependencies(): {
  dependencies: BulkDependencies
  quarantined: QuarantinedEvent[]
  counts: Map<string, number>
} {
  const quarantined: QuarantinedEvent[] = []
  const counts = new Map<string, number>()
  const count = (metric: string, value: number) => void counts.set(metric, (counts.get(metric) ?? 0) + value)
  const add = async (events: readonly QuarantinedEvent[]) => void quarantined.push(...events)
  const dependencies = { client, quarantine: { add }, telemetry: { count, annotate: () => undefined }, now: Date.now }
  return { dependencies, quarantined, counts }
}

/** Delivers a batch until it is written, as Lambda does. Returns what was rejected before. */
async function deliver(batch: readonly BulkOperation[], dependencies: BulkDependencies): Promise<string[]> {
  const rejected: string[] = []
  const isWritten = async () => {
    try {
      await writeBulk(batch, dependencies)
      return true
    } catch (error) {
      rejected.push(rejectedPart(error))
      return false
    }
  }
  expect(await waitUntil(isWritten, DEADLINE_MS)).toBe(true)
  return rejected
}

function rejectedPart(error: unknown): string {
  if (error instanceof SafeError) return 'some documents'
  if (error instanceof errors.ResponseError && error.statusCode === 429) return 'the whole request'
  throw error
}
