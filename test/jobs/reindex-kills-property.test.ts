import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import fc from 'fast-check'
import { jobsTable } from '../../lambdas/jobs/dynamodb.ts'
import { runJob, startJob } from '../../lambdas/jobs/run-job.ts'
import type { BulkClient } from '../../lambdas/search/opensearch.ts'
import { writeAgain } from '../../lambdas/search/reindex.ts'
import { reindexJob } from '../../lambdas/search/reindex-job.ts'
import type { Item } from '../../lambdas/state/dynamodb-items.ts'
import { projections } from '../../shared/catalogue.ts'
import { projectionKey } from '../../shared/projection.ts'
import { recentUrls } from '../../shared/projections/recent-urls.ts'
import { indexOf } from '../../shared/search-index.ts'
import { DocumentIndex } from '../fakes/document-index.ts'
import { jobsItems } from '../fakes/jobs-items.ts'
import { aUserItem } from '../fixtures/builders.ts'

type BulkRequest = Parameters<BulkClient['bulk']>[0]

const USERS = 150
const ITEMS_PER_PAGE = 2
const MINUTE = 60_000

const items: readonly Item[] = Array.from({ length: USERS }, (_, n) => ({
  kind: 'user',
  ...aUserItem(`${n}`, { version: n + 1, states: { [projectionKey(recentUrls)]: [{ url: `/${n}`, at: n }] } }),
}))

/** An OpenSearch and a reindex job. The `kills`-th calls of a store from the last kill on end their invocation, before or after they are carried out. */
function jobWith(kills: readonly { readonly call: number; readonly after: boolean }[]) {
  const index = new DocumentIndex(...projections.map(indexOf))
  const left = [...kills]
  let calls = 0
  let clock = 1_800_000_000_000
  let isKilled = false
  const never = (): Promise<never> => new Promise(() => undefined)
  let killed: () => void = () => undefined
  /** A killed invocation does nothing more. */
  const kill = (): Promise<never> => {
    isKilled = true
    killed()
    return never()
  }
  const calling = async <T>(call: () => Promise<T>): Promise<T> => {
    if (isKilled) return never()
    calls += 1
    const [next] = left
    if (!next || calls < next.call) return call()
    left.shift()
    calls = 0
    if (!next.after) return kill()
    await call()
    return kill()
  }
  let isStarted = false
  let state = ''
  const stored = jobsItems()
  const send: typeof stored = async command => {
    const result = await stored(command)
    if (command.constructor.name === 'PutItemCommand') {
      isStarted = true
      state = command.input.Item.state.S
    }
    return result
  }
  const isDone = (): boolean => state === 'done'
  const client: DynamoDBClient = Object.assign(new DynamoDBClient({ region: 'none' }), {
    send: (command: Parameters<typeof send>[0]) => calling(() => send(command)),
  })
  const dependencies = { table: jobsTable('jobs', client), now: () => clock }
  const telemetry = { count: () => undefined, annotate: () => undefined }
  const search = { ...index.client, bulk: (request: BulkRequest) => calling(async () => index.client.bulk(request)) }
  const definition = () =>
    reindexJob({
      scan: ({ segment, segments }, from, _limit) =>
        calling(async () => {
          const own = items.filter((_, at) => at % segments === segment)
          const at = from === undefined ? 0 : Number(from.pk)
          const next = at + ITEMS_PER_PAGE
          return { items: own.slice(at, next), next: next < own.length ? { pk: `${next}`, sk: '' } : undefined }
        }),
      ensureIndices: () => calling(async () => undefined),
      write(page, projections) {
        const table = { partsBelow: async () => [], readUsers: async () => new Map(), readLateness: async () => () => undefined }
        const quarantine = { add: async () => undefined }
        return writeAgain(page, { client: search, table, quarantine, projections, telemetry, now: () => clock })
      },
    })
  const invoke = (): Promise<unknown> =>
    isStarted ? runJob(definition(), clock + 10 * MINUTE, dependencies) : startJob(definition(), {}, dependencies)
  /** Invokes the function every minute until the job ends. Returns how often it was killed. */
  const toItsEnd = async (): Promise<number> => {
    for (; !isDone(); clock += MINUTE) {
      isKilled = false
      const death = new Promise<void>(resolve => {
        killed = resolve
      })
      await Promise.race([invoke(), death])
    }
    return kills.length - left.length
  }
  return { index, toItsEnd }
}

const documentsIn = (index: DocumentIndex) => [...index.entries].sort(([a], [b]) => (a < b ? -1 : 1))

test('a reindex that is killed up to 100 times, at any call of a store, writes the documents of one that is not', async () => {
  const whole = jobWith([])
  expect(await whole.toItsEnd()).toBe(0)
  const expected = documentsIn(whole.index)
  expect(expected).toHaveLength(USERS)
  let killed = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ call: fc.integer({ min: 1, max: 40 }), after: fc.boolean() }), { minLength: 1, maxLength: 8 }),
      async kills => {
        const job = jobWith(kills)
        killed += await job.toItsEnd()
        expect(documentsIn(job.index)).toEqual(expected)
      },
    ),
    { numRuns: 100 },
  )
  expect(killed).toBeGreaterThan(100)
}, 120_000)
