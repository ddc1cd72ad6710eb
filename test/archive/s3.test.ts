import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { HeadObjectCommand, PutObjectCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3'
import { mockClient } from 'aws-sdk-client-mock'
import { archiveBucket } from '../../lambdas/archive/s3.ts'
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
  return { bucket: archiveBucket('bucket', client), puts }
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
