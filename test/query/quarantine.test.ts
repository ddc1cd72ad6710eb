import { randomBytes } from 'node:crypto'
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { quarantineStore, requestQuarantine } from '../../lambdas/quarantine/dynamodb.ts'
import { writeCursor } from '../../lambdas/query/parameters.ts'
import { readQuarantine } from '../../lambdas/query/quarantine.ts'
import { bundleGroups } from '../../lambdas/query/quarantine-bundles.ts'
import { type QuarantinedEvent, quarantineKey } from '../../shared/quarantine.ts'
import { isRejection } from '../../shared/rejections.ts'
import { quarantineStores } from '../fakes/quarantine-stores.ts'
import { aQuarantinedEvent } from '../fixtures/builders.ts'

async function quarantineOf(...events: QuarantinedEvent[]) {
  const stores = quarantineStores()
  const { dynamodb, s3, asked } = stores
  for (const event of events) await quarantineStore('t', 'b', dynamodb, s3).add([event])
  asked.length = 0
  const read = async (parameters: Record<string, string> = {}) => {
    const page = await readQuarantine(parameters, stores)
    if (isRejection(page)) throw new Error(page.message)
    return page
  }
  const readAll = async (parameters: Record<string, string>) => {
    const pages: string[][] = []
    let cursor: string | null = null
    do {
      const page = await read({ ...parameters, ...(cursor && { cursor }) })
      pages.push(page.data.map(({ id }) => id ?? ''))
      cursor = page.cursor
    } while (cursor)
    return pages
  }
  return { read, readAll, asked }
}

const event = (id: string, facts: Partial<QuarantinedEvent> = {}) => aQuarantinedEvent({ id, body: `{"id":"${id}"}`, ...facts })
const events = (count: number) => Array.from({ length: count }, (_, n) => event(String(n)))

test('a row has the reason, the time of the first arrival, the count, and the beginning of the body', async () => {
  const long = aQuarantinedEvent({ id: 'e1', received: 1_700_000_000_123, body: 'x'.repeat(501) })
  const { read } = await quarantineOf(long, { ...long, received: long.received + 1 })
  expect(await read()).toEqual({
    data: [
      {
        ...{ key: quarantineKey(long), code: 'invalid_event', message: 'No.', type: 'page_visit', id: 'e1', keyName: 'web' },
        ...{ received: '2023-11-14T22:13:20.123000Z', count: 2, sample: 'x'.repeat(500) },
      },
    ],
    cursor: null,
  })
})

test('a body that is stored in the bucket has a sample, which is stored with its item', async () => {
  const body = randomBytes(400_000).toString('base64')
  const { read, asked } = await quarantineOf(aQuarantinedEvent({ type: null, body }))
  expect((await read()).data).toMatchObject([{ type: null, sample: body.slice(0, 500) }])
  expect(asked).not.toContain('GetObjectCommand')
})

test('an empty quarantine gives an empty page', async () => {
  expect(await (await quarantineOf()).read()).toEqual({ data: [], cursor: null })
})

test.each([
  [2, [2, 2, 1]],
  [5, [5, 0]],
  [6, [5]],
])('pages of %d rows follow each other without a gap or a repetition, and the last one has no cursor', async (limit, sizes) => {
  const pages = await (await quarantineOf(...events(5))).readAll({ limit: String(limit) })
  expect(pages.map(page => page.length)).toEqual(sizes)
  expect(pages.flat()).toEqual(['0', '1', '2', '3', '4'])
})

test('a filter by code selects its events, and one request reads on until the page is full', async () => {
  const { read } = await quarantineOf(...events(3), event('a', { code: 'date_missing' }), event('b', { code: 'date_missing' }))
  const page = await read({ code: 'date_missing', limit: '2' })
  expect(page.data.map(({ id }) => id)).toEqual(['a', 'b'])
  expect((await read({ code: 'country_missing' })).data).toEqual([])
})

test('a request for a rare code stops after five reads, and its cursor continues from there', async () => {
  const { read, readAll, asked } = await quarantineOf(...events(12), event('rare', { code: 'date_missing' }))
  expect(await read({ code: 'date_missing', limit: '1' })).toEqual({ data: [], cursor: expect.any(String) })
  expect(asked).toEqual(['ListObjectsV2Command', ...Array.from({ length: 5 }, () => 'ScanCommand')])
  expect(await readAll({ code: 'date_missing', limit: '1' })).toEqual([[], [], ['rare'], []])
})

test('a bundle that could not be read once, or whose read never ended, is read by the next request', async () => {
  const stores = quarantineStores()
  await requestQuarantine(quarantineStore('t', 'b', stores.dynamodb, stores.s3)).add(events(11))
  const answers = [() => Promise.reject(new Error('SlowDown')), () => new Promise(() => undefined)]
  const s3: S3Client = Object.assign(new S3Client({ region: 'none' }), {
    send: (command: GetObjectCommand) => (command instanceof GetObjectCommand && answers.shift()?.()) || stores.s3.send(command),
  })
  const groups = bundleGroups({ ...stores, s3 })
  const read = () => readQuarantine({}, { ...stores, s3 }, groups)
  await expect(read()).rejects.toThrow('SlowDown')
  void read()
  await new Promise(setImmediate)
  expect(await read()).toMatchObject({ data: { length: 11 } })
  stores.asked.length = 0
  expect(await read()).toMatchObject({ data: { length: 11 } })
  expect(stores.asked).not.toContain('GetObjectCommand')
})

const wrongCursor = 'cursor must be a cursor that the same query returned.'
test.each([
  [{ code: 'no_such' }, 'code must be a code such as invalid_event.'],
  [{ code: 'constructor' }, 'code must be a code such as invalid_event.'],
  [{ limit: '0' }, 'limit must be a whole number from 1 to 1000.'],
  [{ cursor: 'made up' }, wrongCursor],
  [{ cursor: writeCursor(['0'.repeat(64)], ['quarantine', 'date_missing']) }, wrongCursor],
  [{ cursor: writeCursor(['2026-01-31T12:00:00Z', 'e1', 'web'], ['quarantine', undefined]) }, wrongCursor],
  [{ cursor: writeCursor(['d1'], ['quarantine', undefined]) }, wrongCursor],
  [{ cursor: writeCursor([7], ['quarantine', undefined]) }, wrongCursor],
])('%j is rejected with the reason', async (parameters, message) => {
  const stores = quarantineStores()
  expect(await readQuarantine(parameters, stores)).toMatchObject({ code: 'invalid_request', message })
  expect(stores.asked).toEqual([])
})
