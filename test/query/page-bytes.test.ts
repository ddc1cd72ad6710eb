import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { quarantineStore, requestQuarantine } from '../../lambdas/quarantine/dynamodb.ts'
import { readProjection } from '../../lambdas/query/projections.ts'
import { readQuarantine } from '../../lambdas/query/quarantine.ts'
import { readReport } from '../../lambdas/query/reports.ts'
import { describeUser } from '../../lambdas/query/users.ts'
import { projections, reports } from '../../shared/catalogue.ts'
import type { WindowItem } from '../../shared/grains/user-window.ts'
import type { Page } from '../../shared/http.ts'
import { MAX_PAGE_BYTES, MAX_RESPONSE_BYTES } from '../../shared/limits.ts'
import { type Projection, projectionKey } from '../../shared/projection.ts'
import { deviceMinutes } from '../../shared/projections/device-minutes.ts'
import { isRejection, type Rejection } from '../../shared/rejections.ts'
import { quarantineStores } from '../fakes/quarantine-stores.ts'
import { searchOver } from '../fakes/search-index.ts'
import { aQuarantinedEvent, aUserItem } from '../fixtures/builders.ts'
import { eventOf as actionEvent, reportActions } from '../fixtures/reports/actions.ts'
import { archiveEvents, folderArchive } from '../fixtures/reports/folder-archive.ts'

const NOW = Date.parse('2026-01-31T12:00:00Z')

/** Every page of a list with `limit=1000`. Throws if one is too large for Lambda or for the limit of a page. */
async function pagesOf<Row>(read: (parameters: Record<string, string>) => Promise<Page<Row> | Rejection>): Promise<Row[][]> {
  const pages: Row[][] = []
  let cursor: string | null = null
  do {
    const page: Page<Row> | Rejection = await read({ limit: '1000', ...(cursor && { cursor }) })
    if (isRejection(page)) throw new Error(page.message)
    expectToFit(page)
    pages.push([...page.data])
    cursor = page.cursor
  } while (cursor)
  return pages
}

function expectToFit(body: object): void {
  const text = JSON.stringify(body)
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_PAGE_BYTES)
  expect(Buffer.byteLength(JSON.stringify(text))).toBeLessThanOrEqual(MAX_RESPONSE_BYTES)
}

test('1,000 documents of 6 KB are two pages', async () => {
  const documents = Array.from({ length: 1_000 }, (_, n) => ({
    device_id: `d${String(n).padStart(4, '0')}`,
    window_start: '2026-01-31T12:00:00Z',
    text: '"'.repeat(3_000),
  }))
  const { client } = searchOver(documents)
  const pages = await pagesOf(parameters => readProjection('device-minutes', parameters, client, projections, NOW))
  expect(pages.flat()).toEqual(documents)
  expect(pages.length).toBeGreaterThan(1)
})

const documentsOf = (count: number, text: string) =>
  Array.from({ length: count }, (_, n) => ({ device_id: `d${1_000 + n}`, window_start: '2026-01-31T12:00:00Z', text }))

test.each([
  ['120 documents of a megabyte', documentsOf(120, 'x'.repeat(2 ** 20 - 200)), 3],
  ['1,000 small documents', documentsOf(1_000, 'x'), 1_000],
])('%s: OpenSearch never sends more than 101 at once, and no document is missing', async (_, documents, rows) => {
  const { client, requests } = searchOver(documents)
  const pages = await pagesOf(parameters => readProjection('device-minutes', parameters, client, projections, NOW))
  expect(Math.max(...requests.map(({ size }) => size))).toBe(101)
  expect(pages.map(({ length }) => length)).toEqual(Array.from({ length: documents.length / rows }, () => rows))
  expect(pages.flat().map(row => row['device_id'])).toEqual(documents.map(({ device_id }) => device_id))
})

test.each([
  [100, '100', 1],
  [101, '100', 2],
  [101, '1000', 1],
  [202, '1000', 1],
  [203, '202', 2],
])('%i documents with limit=%s: pages: %i', async (count, limit, expected) => {
  const documents = documentsOf(count, 'x')
  const { client } = searchOver(documents)
  const read = (parameters: Record<string, string>) =>
    readProjection('device-minutes', { ...parameters, limit }, client, projections, NOW)
  const pages = await pagesOf(read)
  expect([pages.length, pages.flat()]).toEqual([expected, documents])
})

test.each(['alone', 'in a bundle'])('quarantined events with long messages are several pages: %s', async how => {
  const stores = quarantineStores()
  const { dynamodb, s3 } = stores
  const events = Array.from({ length: 600 }, (_, n) =>
    aQuarantinedEvent({ id: String(n), body: String(n), message: 'm'.repeat(8_000) }),
  )
  const store = quarantineStore('t', 'b', dynamodb, s3)
  if (how === 'alone') await store.add(events)
  else await requestQuarantine(store).add(events)
  const pages = await pagesOf(parameters => readQuarantine(parameters, stores))
  expect(
    pages
      .flat()
      .map(({ id }) => Number(id))
      .sort((a, b) => a - b),
  ).toEqual(events.map((_, n) => n))
  expect(pages.length).toBeGreaterThan(1)
})

test('rows of a report with long texts are several pages, across its parts', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-pages-'))
  try {
    const ids = Array.from({ length: 300 }, (_, n) => `e${String(n).padStart(3, '0')}`)
    const events = ids.map(event_id => actionEvent({ event_id, time: '2026-01-31T11:00:00Z', app_name: 'a'.repeat(30_000) }))
    await archiveEvents(folder, 'events/dt=2026-01-31/hour=12/a.parquet', events)
    const { publication } = await reportActions(folder, '2026-01-31T12:00:00Z', { rowsPerPart: 200 })
    const stores = {
      table: { newest: async () => publication, publicationOf: async () => publication },
      bucket: folderArchive(folder),
    }
    const pages = await pagesOf(parameters => readReport('enriched-actions', parameters, stores, reports, NOW))
    expect(
      pages
        .flat()
        .map(row => row['event_id'])
        .sort(),
    ).toEqual(ids)
    expect(pages.length).toBeGreaterThan(2)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('of 100 windows with documents of 200 KB a user has the newest that fit', () => {
  const large = {
    ...deviceMinutes,
    document: (_: unknown, { start }: { start: number }) => ({ window_start: start, text: 'x'.repeat(200_000) }),
  }
  const projection = large as unknown as Projection
  const windows = Array.from(
    { length: 100 },
    (_, n): WindowItem => ({
      kind: 'window',
      user: '7',
      projection: projectionKey(projection),
      start: 60 * (100 - n),
      version: 9,
      state: { events: 1, temperature: [20], duration: [10] },
    }),
  )
  const { view } = describeUser(aUserItem('7', { version: 10 }), [projection], new Map([[projection, windows]]))
  const starts = view?.windows['device-minutes']?.map(({ window_start }) => window_start)
  expect(starts).toEqual(windows.slice(0, 10).map(({ start }) => start))
  expectToFit(view ?? {})
})
