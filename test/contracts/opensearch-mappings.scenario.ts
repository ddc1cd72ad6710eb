import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { jest } from '@jest/globals'
import type { Client } from '@opensearch-project/opensearch'
import * as z from 'zod/mini'
import { deleteErased } from '../../lambdas/search/erasure.ts'
import { bulk, openSearch } from '../../lambdas/search/opensearch.ts'
import { ensureEventTemplates, ensureIndices } from '../../lambdas/search/set-up.ts'
import {
  installOpenSearch,
  type Node,
  type OpenSearch,
  openSearchUrl,
  startOpenSearch,
  stopOpenSearch,
} from '../../localstack/opensearch.ts'
import type { BulkOperation } from '../../shared/bulk-operation.ts'
import { outcomeOf } from '../../shared/bulk-outcome.ts'
import { defineEvent, integer, nullable, text } from '../../shared/event-type.ts'
import { pageVisit } from '../../shared/events/page-visit.ts'
import { perUser } from '../../shared/grains/user.ts'
import { eventDocument, rawDocumentOf } from '../../shared/raw-events.ts'
import { documentId } from '../../shared/search-index.ts'
import { anEvent, aUserItem } from '../fixtures/builders.ts'
import { freePort } from '../fixtures/emulated-cloud.ts'

jest.setTimeout(240_000)

let installed: OpenSearch
let node: Node
let client: Client

beforeAll(async () => {
  installed = await installOpenSearch(() => undefined)
  const folder = mkdtempSync(path.join(tmpdir(), 'millrace-mappings-'))
  node = { folder, port: await freePort(), transportPort: await freePort() }
  await startOpenSearch(node, installed)
  client = openSearch(openSearchUrl(node))
}, 240_000)

afterAll(async () => {
  await client.close()
  await stopOpenSearch(node)
  rmSync(node.folder, { recursive: true, force: true })
})

const NOW = Date.parse('2026-03-01T12:00:00Z')
const TIME = BigInt(NOW) * 1000n
const common = { about: 'A user bought something.', user: () => '1', time: () => TIME }
const fields = { id: integer(), item: text() }
const purchase = defineEvent({ ...common, name: 'purchase', fields })
const withNote = defineEvent({ ...common, name: 'purchase', fields: { ...fields, note: nullable(text()) } })
const withText = defineEvent({ ...common, name: 'purchase', fields: { ...fields, id: text() } })

const visits = (revision: number, shape: z.ZodMiniObject, document: () => Record<string, unknown>) =>
  perUser({ name: 'visits', revision, on: [pageVisit], key: 'user', initial: () => null, fold: state => state, shape, document })

test('a nullable field that an event type gains is added to the indices with its earlier events', async () => {
  const write = async (type: typeof purchase | typeof withNote, from: number) => {
    const raw = { eventTypes: new Map([[type.name, type]]), isOn: () => true, retentionDays: 7 }
    const operations = Array.from({ length: 300 }).flatMap((_, i): BulkOperation[] => {
      const event = anEvent({ id: 1, item: 'a', note: 'n' }, { id: `e${from + i}`, type: 'purchase', time: TIME, received: NOW })
      const at = rawDocumentOf(event, raw)
      return at ? [{ action: 'create', ...at, document: eventDocument(event, type) }] : []
    })
    const results = await bulk(client, operations)
    return Object.entries(Object.groupBy(results, outcomeOf)).map(([outcome, some]) => [outcome, some?.length])
  }
  await ensureEventTemplates(client, [purchase])
  expect(await write(purchase, 0)).toEqual([['written', 300]])
  expect(await write(withNote, 300)).toEqual([['refused', 300]])
  expect(await ensureEventTemplates(client, [withNote])).toEqual([])
  expect(await write(withNote, 300)).toEqual([['written', 300]])
})

test('a field that gets another type is named with what to do, and the index stays as it was', async () => {
  await ensureEventTemplates(client, [withNote])
  expect(await ensureEventTemplates(client, [withText])).toEqual([
    expect.stringMatching(
      /^A field of the event type purchase changed: .*\[id\].* Give it a new name, or delete the indices events-purchase/,
    ),
  ])
})

test('a field that a document gains is added to its index; one that gets another type needs a new revision', async () => {
  const shape = z.object({ n: z.int() })
  expect(await ensureIndices(client, [visits(1, shape, () => ({ n: 1 }))])).toEqual([])
  const longer = z.object({ n: z.int(), last: z.string() })
  expect(await ensureIndices(client, [visits(1, longer, () => ({ n: 1, last: 'a' }))])).toEqual([])
  const { body } = await client.indices.getMapping({ index: 'visits-r1' })
  expect(body['visits-r1']?.mappings.properties).toMatchObject({ n: { type: 'long' }, last: { type: 'keyword' } })
  const other = z.object({ n: z.string() })
  expect(await ensureIndices(client, [visits(1, other, () => ({ n: 'a' }))])).toEqual([
    expect.stringMatching(/^The shape of visits-r1 changed: .*\[n\].* Raise the revision of visits\.$/),
  ])
  expect(await ensureIndices(client, [visits(2, other, () => ({ n: 'a' }))])).toEqual([])
})

test('an erasure deletes the documents of its user in every index, also of projections that the code does not know', async () => {
  const properties = (user: string) => ({
    [user]: { type: 'keyword' as const },
    window_start: { type: 'date' as const },
  })
  for (const [index, user] of [
    ['minutes-r1', 'user'],
    ['minutes-r2', 'account'],
  ] as const)
    await client.indices.create({ index, body: { mappings: { properties: properties(user) } } })
  await client.indices.create({ index: 'totals-r1', body: { mappings: { properties: { user: { type: 'keyword' } } } } })
  const write = (index: string, user: string, start: string | undefined, field: string): BulkOperation => {
    const id = documentId(user, start === undefined ? null : Date.parse(start) / 1000)
    return { action: 'index', index, id, version: 5, document: { [field]: user, ...(start && { window_start: start }) } }
  }
  const [first, second] = ['2026-03-01T12:00:00Z', '2026-03-01T12:01:00Z']
  const written = await bulk(
    client,
    ['anna', 'bob'].flatMap(user => [
      write('totals-r1', user, undefined, 'user'),
      ...[first, second].flatMap(start => [
        write('minutes-r1', user, start, 'user'),
        write('minutes-r2', user, start, 'account'),
      ]),
    ]),
  )
  expect(new Set(written.map(outcomeOf))).toEqual(new Set(['written']))
  await deleteErased(client, { users: [aUserItem('anna', { version: 9, erasedOrder: 9, states: {} })], windows: [] })
  await client.indices.refresh({ index: '*-r*' })
  const { body } = await client.search({ index: 'minutes-r1,minutes-r2,totals-r1', body: { size: 100 } })
  expect(body.hits.hits.map(({ _id }) => _id).toSorted()).toEqual(
    [
      documentId('bob', null),
      ...[first, second].flatMap(at => Array(2).fill(documentId('bob', Date.parse(at) / 1000))),
    ].toSorted(),
  )
})
