import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import { mockClient } from 'aws-sdk-client-mock'
import { readFooters } from '../../lambdas/archive/load-objects.ts'
import { archiveBucket } from '../../lambdas/archive/s3.ts'
import { describeError } from '../../shared/safe-error.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const file = path.join(temporaryFolder('s3'), 'object.parquet')
beforeAll(() => writeFile(file, 'four'))

/** A bucket in which the key `stored` has an object of 9 bytes. */
function aBucket() {
  const client = new S3Client({ region: 'any' })
  const calls = mockClient(client)
  const puts: string[] = []
  calls.on(PutObjectCommand).callsFake(async ({ Key, IfNoneMatch, Body }) => {
    if (Body instanceof Readable) await text(Body)
    if (IfNoneMatch === '*' && Key === 'stored')
      throw new S3ServiceException({ name: 'PreconditionFailed', $fault: 'client', $metadata: {} })
    puts.push(Key)
    return {}
  })
  calls.on(HeadObjectCommand).resolves({ ContentLength: 9 })
  return { bucket: archiveBucket('bucket', client), puts, calls }
}

test('an object of a run is never replaced: a repeated step gets the size of what is stored', async () => {
  const { bucket, puts } = aBucket()
  expect(await bucket.uploadNew(file, 'new', 'text/plain')).toBe(4)
  expect(await bucket.uploadNew(file, 'stored', 'text/plain')).toBe(9)
  expect(puts).toEqual(['new'])
})

test('a manifest is never replaced', async () => {
  const { bucket, puts } = aBucket()
  await bucket.putNew('new', '{}')
  await expect(bucket.putNew('stored', '{}')).rejects.toThrow(S3ServiceException)
  expect(puts).toEqual(['new'])
})

test.each([
  [
    'somebody’s notes',
    /^The object (\S+) is not Parquet or is cut short\. Reports fail rather than miss its events\. Move it out of events\/, then run the report again\.$/,
  ],
  ['PAR1', /^The object (\S+) is not Parquet/],
  ['a', /^The object (\S+) is not Parquet/],
  [undefined, /^The Parquet footer of (\S+) cannot be read\. Cause: SlowDown/],
])('an object that is %j fails a report with one line that names it', async (content, line) => {
  const { bucket, calls } = aBucket()
  const [dt, key] = ['2026-11-01', 'events/dt=2026-11-01/hour=12/notes.parquet']
  const bytes = Buffer.from(content ?? 'any')
  calls.on(GetObjectCommand).callsFake(async () => {
    if (content === undefined) throw new S3ServiceException({ name: 'SlowDown', $fault: 'server', $metadata: {} })
    return { Body: { transformToByteArray: async () => bytes } }
  })
  const folders = async () => [`dt=${dt}`]
  const list = async () => [{ key, size: bytes.length, modified: 0 }]
  const archive = { bucket: { ...bucket, folders, list }, ledger: { days: async () => [] } }
  const failure = await readFooters(archive, 'page_visit', []).catch(describeError)
  expect(line.exec(String(failure))?.[1]).toBe(key)
})

test('an object of which the connection breaks off is not said to be no Parquet: nobody must move it away', async () => {
  const { bucket, calls } = aBucket()
  const transformToByteArray = async () => {
    throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' })
  }
  calls.on(GetObjectCommand).callsFake(async () => ({ Body: { transformToByteArray } }))
  const failure = await bucket.footer({ key: 'events/a.parquet', size: 5000 }).catch(describeError)
  expect(failure).toMatch(/^The Parquet footer of events\/a\.parquet cannot be read\. Cause: Error ECONNRESET/)
})

test('an object that cannot be deleted stops no other deletion', async () => {
  const { bucket, calls } = aBucket()
  const deleted: string[] = []
  calls.on(DeleteObjectsCommand).callsFake(async ({ Delete }: { Delete: { Objects: { Key: string }[] } }) => {
    const [held, ...others] = Delete.Objects.map(({ Key }) => Key)
    deleted.push(...others)
    return { Errors: [{ Key: held, Message: 'Object is under a legal hold.' }] }
  })
  const keys = Array.from({ length: 1500 }, (_, n) => String(n))
  await expect(bucket.remove(keys)).rejects.toThrow('The object 0 cannot be deleted: Object is under a legal hold.')
  expect(deleted).toEqual(keys.filter(key => key !== '0' && key !== '1000'))
})
