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
const PATIENCE_MS = 60_000

let node: Node
let client: Client

/** The node takes few writes at once: it refuses whole requests for want of memory, and single documents for want of a thread. */
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
  'what a busy cluster refuses, whole requests and single documents, is sent again until each stands there once',
  async () => {
    const { parts, aside, counts } = listeningParts()
    const batches = Array.from({ length: 20 }, (_, n) => scattered(n))
    const refusals = (await Promise.all(batches.map(batch => deliver(batch, parts)))).flat()
    expect(new Set(refusals)).toEqual(new Set(['the whole request', 'some documents']))
    expect(counts.get('Retries')).toBeGreaterThan(0)
    expect(aside).toEqual([])

    const operations = batches.flat()
    const { body } = await client.mget({ body: { docs: operations.map(({ index, id }) => ({ _index: index, _id: id })) } })
    const versions = body.docs.map(doc => 'found' in doc && doc.found && doc._version)
    expect(versions).toEqual(operations.map(operation => ('version' in operation ? operation.version : 1)))
  },
  2 * PATIENCE_MS,
)

/** A batch of changed and of created documents over four indices. */
const scattered = (batch: number): BulkOperation[] =>
  Array.from({ length: 40 }, (_, n) => {
    const place = { index: `scattered-${n % 4}`, id: `${batch}-${n}`, document: { batch, n } }
    return n % 8 < 4 ? { action: 'create', ...place } : { action: 'index', version: 100 + n, ...place }
  })

/** What writes documents, and what it put aside and counted. */
function listeningParts(): { parts: BulkDependencies; aside: QuarantinedEvent[]; counts: Map<string, number> } {
  const aside: QuarantinedEvent[] = []
  const counts = new Map<string, number>()
  const count = (metric: string, value: number) => void counts.set(metric, (counts.get(metric) ?? 0) + value)
  const keep = async (events: readonly QuarantinedEvent[]) => void aside.push(...events)
  return { parts: { client, quarantine: { add: keep }, telemetry: { count, annotate: () => undefined } }, aside, counts }
}

/** Delivers a batch until it is taken, as Lambda does; returns what was refused on the way. */
async function deliver(batch: readonly BulkOperation[], parts: BulkDependencies): Promise<string[]> {
  const refusals: string[] = []
  const isTaken = async () => {
    try {
      await writeBulk(batch, parts)
      return true
    } catch (error) {
      refusals.push(refusalOf(error))
      return false
    }
  }
  expect(await waitUntil(isTaken, PATIENCE_MS)).toBe(true)
  return refusals
}

function refusalOf(error: unknown): string {
  if (error instanceof SafeError) return 'some documents'
  if (error instanceof errors.ResponseError && error.statusCode === 429) return 'the whole request'
  throw error
}
