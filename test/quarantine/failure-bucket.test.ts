import { failureBucket } from '../../lambdas/quarantine/s3.ts'
import { quarantineStores } from '../fakes/quarantine-stores.ts'

const MEBIBYTE = 2 ** 20

test('a large object is read in parts of bounded size', async () => {
  const { s3, objects } = quarantineStores()
  objects.set('errors/1', Buffer.alloc(20 * MEBIBYTE + 1, 'x'))
  const sizes: number[] = []
  for await (const { length } of failureBucket('b', s3).readText({ key: 'errors/1', size: 20 * MEBIBYTE + 1 })) sizes.push(length)
  expect(sizes.filter(size => size > 0)).toEqual([8 * MEBIBYTE, 8 * MEBIBYTE, 4 * MEBIBYTE + 1])
})

test('an empty object that the S3 console shows as a folder is not listed', async () => {
  const { s3, objects } = quarantineStores()
  const texts = { 'errors/': '', 'errors/day/': '', 'errors/day/1': '1', 'errors/empty': '', 'errors/with-text/': '1' }
  for (const [key, text] of Object.entries(texts)) objects.set(key, Buffer.from(text))
  const listed: string[] = []
  for await (const { key } of failureBucket('b', s3).list('errors/')) listed.push(key)
  expect(listed).toEqual(['errors/day/1', 'errors/empty', 'errors/with-text/'])
})
