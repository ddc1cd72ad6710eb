import { PutObjectCommand } from '@aws-sdk/client-s3'
import { dynamodbOf, s3Of, searchOf } from '../../cli/clients.ts'
import { collectedItems } from '../../cli/quarantine/scan.ts'
import { release } from '../../cli/reindex/release.ts'
import { findTarget, type Target } from '../../cli/target.ts'
import { quarantineStore } from '../../lambdas/quarantine/dynamodb.ts'
import { projections } from '../../shared/catalogue.ts'
import type { JobView } from '../../shared/jobs.ts'
import { recentUrls } from '../../shared/projections/recent-urls.ts'
import { DISCARDED_PREFIX } from '../../shared/quarantine.ts'
import { reject } from '../../shared/rejections.ts'
import { indexOf } from '../../shared/search-index.ts'
import { millraceJson } from '../fixtures/command.ts'
import { eventually } from '../fixtures/emulated-cloud.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { differencesFrom, newRun, quarantinedItems, simulatedFile, untilSettled, writeAndSend } from '../fixtures/thread.ts'

const MINUTES = 60_000
const SETTLE_SECONDS = 240
const folder = temporaryFolder('reindex')

const reindex = (...options: string[]) => millraceJson<{ documents: number; released: number }>('reindex', ...options)

test(
  'all indices are deleted and reindex rebuilds them while events arrive: every document is as the specification says',
  async () => {
    const search = await searchOf(await findTarget(undefined))
    const run = newRun(Date.now())
    const early = [await simulatedFile('visits', 1_000, run), await simulatedFile('readings', 5_000, run)]
    for (const file of early) await writeAndSend(folder, file)
    await untilSettled(SETTLE_SECONDS)

    await search?.indices.delete({ index: projections.map(indexOf) })
    const late = await simulatedFile('users', 2_000, run)
    const sending = writeAndSend(folder, late, '--rate', '500')
    const { documents } = await reindex()
    expect(documents).toBeGreaterThan(0)
    await sending

    await untilSettled(SETTLE_SECONDS)
    expect(await differencesFrom([...early, late], run)).toEqual([])

    expect((await reindex(recentUrls.name)).documents).toBeGreaterThan(0)
    expect(await differencesFrom([...early, late], run)).toEqual([])
  },
  10 * MINUTES,
)

test('a reindex runs to its end without its caller, and is a job that the commands and the API show', async () => {
  const target = await findTarget(undefined)
  const started = await millraceJson<JobView>('reindex', recentUrls.name, '--no-wait')
  expect(started).toMatchObject({ kind: 'reindex', state: 'queued', endedAt: null, result: null })
  const job = await eventually('the job ends', async () => {
    const found = await millraceJson<JobView>('jobs', 'show', started.id)
    return found.endedAt === null ? undefined : found
  })
  expect(job).toMatchObject({ id: started.id, state: 'done', done: 16, total: 16, error: null })
  expect(job.counts['documents']).toBeGreaterThan(0)
  expect(await millraceJson('jobs', 'list')).toContainEqual(job)
  const response = await fetch(`${target.apiUrl}/v1/jobs/${job.id}`, {
    headers: { authorization: `Bearer ${target.key('admin')}` },
  })
  expect(await response.json()).toEqual(job)
  await expect(millraceJson('jobs', 'cancel', job.id)).rejects.toThrow(`The job ${job.id} is done.`)
})

test(
  'a full reindex releases from quarantine what it repaired; a document that is rejected again stays, and so does what a reindex cannot repair',
  async () => {
    const target = await findTarget(undefined)
    const search = await searchOf(target)
    const index = indexOf(recentUrls)
    const user = Date.now()
    const lines = [JSON.stringify({ Id: user, Url: '/kept', Timestamp: 5, event_id: `refused-${user}` })]
    const findRejected = async () =>
      (await quarantinedItems()).items.find(({ type, id }) => type === index && id === String(user))
    await search?.indices.delete({ index })
    await search?.indices.create({ index, body: { mappings: { properties: { last_5_urls: { type: 'long' } } } } })
    try {
      await writeAndSend(folder, { type: 'page_visit', lines })
      expect(await eventually('the document is rejected', findRejected)).toMatchObject({ count: 1 })
      await putDiscardedByWindows(target, user)
      await quarantineRawEvent(target, user)

      await reindex()
      expect(await findRejected()).toMatchObject({ code: 'document_refused', count: 2 })
    } finally {
      await search?.indices.delete({ index })
    }
    expect(await reindex(recentUrls.name)).toEqual({ documents: expect.any(Number), released: 0 })
    expect(await findRejected()).toMatchObject({ count: 2 })

    expect((await reindex()).released).toBeGreaterThan(0)
    const remaining = (await collectedItems(target)).filter(({ received }) => received === user)
    expect(remaining.map(({ code }) => code).sort()).toEqual(['changes_unread', 'document_refused'])
    expect(await findRejected()).toBeUndefined()
    expect((await search?.get({ index, id: String(user) }))?.body._source).toEqual({ id: user, last_5_urls: ['/kept'] })
    expect(await release(target, remaining)).toBe(2)
  },
  5 * MINUTES,
)

/** Puts an object into the quarantine's bucket as Lambda does for a batch that the windows function did not process in time. */
async function putDiscardedByWindows(target: Target, received: number): Promise<void> {
  const discarded = {
    requestContext: { functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:windows', condition: 'RecordAgeExceeded' },
    timestamp: new Date(received).toISOString(),
    DDBStreamBatchInfo: { batchSize: 1 },
    payload: { Records: [] },
  }
  const object = { Bucket: target.outputs.QuarantineBucket, Key: `${DISCARDED_PREFIX}mapping/shard/${received}` }
  await s3Of(target).send(new PutObjectCommand({ ...object, Body: JSON.stringify(discarded) }))
}

/** Quarantines the document of a raw event, as the function that indexes raw events does. */
function quarantineRawEvent(target: Target, received: number): Promise<void> {
  const { QuarantineTable, QuarantineBucket } = target.outputs
  const operation = { action: 'create', index: 'events-page_visit-other', id: `raw-${received}`, document: {} }
  const facts = { ...reject('document_refused'), type: operation.index, id: operation.id, keyName: '', received }
  return quarantineStore(QuarantineTable, QuarantineBucket, dynamodbOf(target), s3Of(target)).add([
    { ...facts, form: 'text', body: JSON.stringify(operation) },
  ])
}
