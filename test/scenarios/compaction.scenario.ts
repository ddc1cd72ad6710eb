import { DeleteItemCommand } from '@aws-sdk/client-dynamodb'
import { GetPartitionCommand, GlueClient } from '@aws-sdk/client-glue'
import { CopyObjectCommand } from '@aws-sdk/client-s3'
import { dynamodbOf, s3Of } from '../../cli/clients.ts'
import { listObjects } from '../../cli/parquet.ts'
import { findTarget, type Target } from '../../cli/target.ts'
import { archiveLedger } from '../../lambdas/archive/dynamodb.ts'
import { gluePartitions } from '../../lambdas/archive/glue.ts'
import { listEvents, readManifest } from '../../lambdas/archive/list-events.ts'
import { archiveBucket } from '../../lambdas/archive/s3.ts'
import { ARCHIVE_PREFIX } from '../../shared/archive-columns.ts'
import type { JobView } from '../../shared/jobs.ts'
import { millraceJson } from '../fixtures/command.ts'
import { eventually } from '../fixtures/emulated-cloud.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { writeAndSend } from '../fixtures/thread.ts'

const DAY = '2026-01-05'
const folder = temporaryFolder('compaction')

let target: Target
let bucket: ReturnType<typeof archiveBucket>
let ledger: ReturnType<typeof archiveLedger>
beforeAll(async () => {
  target = await findTarget(undefined)
  bucket = archiveBucket(target.outputs.ArchiveBucket, s3Of(target))
  ledger = archiveLedger(target.outputs.LedgerTable, dynamodbOf(target))
})
afterAll(async () => {
  await gluePartitions('millrace_local', target.outputs.ArchiveBucket, new GlueClient(target.aws)).remove(DAY)
  const Key = { ledger: { S: 'events' }, dt: { S: DAY } }
  await dynamodbOf(target).send(new DeleteItemCommand({ TableName: target.outputs.LedgerTable, Key }))
  for (const prefix of ['events/', 'archive/', 'repetitions/', 'manifests/'])
    await bucket.remove((await bucket.list(`${prefix}dt=${DAY}/`)).map(({ key }) => key))
})

/** Writes an object of today once more, below the prefix of a closed day. */
async function copyToClosedDay(key: string, name: string): Promise<void> {
  const Bucket = target.outputs.ArchiveBucket
  const Key = `${ARCHIVE_PREFIX}dt=${DAY}/hour=00/${name}.parquet`
  await s3Of(target).send(new CopyObjectCommand({ Bucket, CopySource: `${Bucket}/${key}`, Key }))
}

const partition = async (table: string): Promise<string> => {
  const named = { DatabaseName: 'millrace_local', TableName: table, PartitionValues: [DAY] }
  const { Partition } = await new GlueClient(target.aws).send(new GetPartitionCommand(named))
  return Partition?.StorageDescriptor?.Location ?? ''
}

const sizes = (objects: number) => ({ objects, bytes: expect.any(Number) })

const objectsOfDay = async () => (await listEvents({ bucket, ledger }, { from: DAY, to: DAY })).map(({ kind }) => kind)

test('a closed day is compacted, also with an object that comes later; readers, reports and Glue tables see its rows once', async () => {
  const id = Date.now()
  await writeAndSend(folder, {
    type: 'page_visit',
    lines: [JSON.stringify({ Id: id, Url: '/c', Timestamp: 5, event_id: `c-${id}` })],
  })
  const [object] = await eventually('an object in the archive', async () => {
    const found = await listObjects(s3Of(target), target.outputs.ArchiveBucket, ARCHIVE_PREFIX)
    return found.length > 0 ? found : undefined
  })
  const key = object?.key ?? ''
  await copyToClosedDay(key, 'a')
  await copyToClosedDay(key, 'b')
  expect(await objectsOfDay()).toEqual(['raw', 'raw'])

  expect(await millraceJson('compact')).toEqual({
    days: 1,
    before: sizes(2),
    after: sizes(2),
    tooLarge: 0,
    failed: 0,
    expired: 0,
  })
  const first = await ledger.day(DAY)
  expect(first).toMatchObject({ settled: true, registered: first?.run })
  expect(await objectsOfDay()).toEqual(['rows', 'repetitions'])
  const manifest = await readManifest(bucket, { dt: DAY, run: first?.run ?? '' })
  expect(manifest.repetitions[0]?.rows).toBeGreaterThanOrEqual(manifest.objects[0]?.rows ?? 0)
  const place = (prefix: string, run = '') => `s3://${target.outputs.ArchiveBucket}/${prefix}/dt=${DAY}/${run}/`
  expect(await partition('archive')).toBe(place('archive', first?.run))
  expect(await partition('repetitions')).toBe(place('repetitions', first?.run))

  await copyToClosedDay(key, 'c')
  expect(await millraceJson('compact')).toMatchObject({ days: 1, before: sizes(3), after: sizes(2) })
  const second = await ledger.day(DAY)
  expect(second?.run).not.toBe(first?.run)
  expect(await objectsOfDay()).toEqual(['rows', 'repetitions'])
  expect((await readManifest(bucket, { dt: DAY, run: second?.run ?? '' })).identities).toEqual(manifest.identities)
  expect(await partition('archive')).toBe(place('archive', second?.run))
  expect(await millraceJson('report', 'duration-p95')).toMatchObject({ rows: expect.any(Number) })
  const jobs = (await millraceJson<JobView[]>('jobs', 'list')).filter(({ kind }) => kind === 'compact')
  expect(jobs.slice(0, 2)).toMatchObject([
    { state: 'done', counts: { 'days compacted': 1, 'objects before': 3 } },
    { state: 'done', counts: { 'days compacted': 1, 'objects before': 2 } },
  ])
}, 300_000)
