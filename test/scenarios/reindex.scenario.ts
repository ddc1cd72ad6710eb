import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { dynamodbOf, s3Of, searchOf } from '../../cli/clients.ts'
import type { QuarantinePage } from '../../cli/quarantine/select.ts'
import { release } from '../../cli/reindex/release.ts'
import { findTarget, type Target } from '../../cli/target.ts'
import { quarantineStore } from '../../lambdas/quarantine/dynamodb.ts'
import { projections } from '../../shared/catalogue.ts'
import { recentUrls } from '../../shared/projections/recent-urls.ts'
import { DISCARDED_PREFIX, type QuarantineSummary } from '../../shared/quarantine.ts'
import { reject } from '../../shared/rejections.ts'
import { indexOf } from '../../shared/search-index.ts'
import { millraceJson } from '../fixtures/command.ts'
import { eventually } from '../fixtures/emulated-cloud.ts'
import { differencesFrom, newRun, quarantined, send, settled, simulatedFile, store } from '../fixtures/thread.ts'

const MINUTES = 60_000
const SETTLE_SECONDS = 240

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-reindex-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const reindex = (...options: string[]) => millraceJson<{ documents: number; released: number }>('reindex', ...options)

test(
  'all documents are lost, and reindex makes them anew while events flow: every document is as the specification says',
  async () => {
    const search = await searchOf(await findTarget(undefined))
    const run = newRun(Date.now())
    const before = await quarantined()
    const early = [await simulatedFile('visits', 1_000, run), await simulatedFile('readings', 5_000, run)]
    for (const sent of early) await send(await store(folder, sent), sent.type)
    expect(await settled(SETTLE_SECONDS)).toMatchObject({ settled: true })

    await search?.indices.delete({ index: projections.map(indexOf) })
    const late = await simulatedFile('users', 2_000, run)
    const sending = send(await store(folder, late), late.type, '--rate', '500')
    const { documents, released } = await reindex()
    expect(documents).toBeGreaterThan(0)
    await sending

    expect(await settled(SETTLE_SECONDS)).toMatchObject({ settled: true })
    expect(await differencesFrom([...early, late], run, before - released)).toEqual([])

    expect((await reindex(recentUrls.name)).documents).toBeGreaterThan(0)
    expect(await differencesFrom([...early, late], run, before - released)).toEqual([])
  },
  10 * MINUTES,
)

test(
  'what a whole reindex mends leaves the quarantine; what is refused once more stays, and so does what no reindex mends',
  async () => {
    const target = await findTarget(undefined)
    const search = await searchOf(target)
    const index = indexOf(recentUrls)
    const user = Date.now()
    const lines = [JSON.stringify({ Id: user, Url: '/kept', Timestamp: 5, event_id: `refused-${user}` })]
    const isRefused = ({ type, id }: QuarantineSummary): boolean => type === index && id === String(user)
    const find = async (isMeant: (item: QuarantineSummary) => boolean) => (await itemsAside()).find(isMeant)
    await search?.indices.delete({ index })
    await search?.indices.create({ index, body: { mappings: { properties: { last_5_urls: { type: 'long' } } } } })
    try {
      await send(await store(folder, { type: 'page_visit', lines }), 'page_visit')
      expect(await eventually('the document is refused', () => find(isRefused))).toMatchObject({ count: 1 })
      await missedByWindows(target, user)
      await refuseRawEvent(target, user)

      await reindex()
      expect(await find(isRefused)).toMatchObject({ code: 'document_refused', count: 2 })
    } finally {
      await search?.indices.delete({ index })
    }
    expect(await reindex(recentUrls.name)).toEqual({ documents: expect.any(Number), released: 0 })
    expect(await find(isRefused)).toMatchObject({ count: 2 })

    expect((await reindex()).released).toBeGreaterThan(0)
    const stayed = (await itemsAside()).filter(({ received }) => received === user)
    expect(stayed.map(({ code }) => code).sort()).toEqual(['changes_unread', 'document_refused'])
    expect(await find(isRefused)).toBeUndefined()
    expect((await search?.get({ index, id: String(user) }))?.body._source).toEqual({ id: user, last_5_urls: ['/kept'] })
    expect(await release(target, stayed)).toBe(2)
  },
  5 * MINUTES,
)

const itemsAside = async (): Promise<readonly QuarantineSummary[]> =>
  (await millraceJson<QuarantinePage>('quarantine', 'list', '--limit', '100000')).items

/** Leaves in the bucket what Lambda would of a batch that the windows never read. */
async function missedByWindows(target: Target, received: number): Promise<void> {
  const discarded = {
    requestContext: { functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:windows', condition: 'RecordAgeExceeded' },
    timestamp: new Date(received).toISOString(),
    DDBStreamBatchInfo: { batchSize: 1 },
    payload: { Records: [] },
  }
  const object = { Bucket: target.outputs.QuarantineBucket, Key: `${DISCARDED_PREFIX}mapping/shard/${received}` }
  await s3Of(target).send(new PutObjectCommand({ ...object, Body: JSON.stringify(discarded) }))
}

/** Puts a raw event's document aside, as the function that brings it to OpenSearch does. */
function refuseRawEvent(target: Target, received: number): Promise<void> {
  const { QuarantineTable, QuarantineBucket } = target.outputs
  const operation = { action: 'create', index: 'events-page_visit-other', id: `raw-${received}`, document: {} }
  const facts = { ...reject('document_refused'), type: operation.index, id: operation.id, keyName: '', received }
  return quarantineStore(QuarantineTable, QuarantineBucket, dynamodbOf(target), s3Of(target)).add([
    { ...facts, form: 'text', body: JSON.stringify(operation) },
  ])
}
