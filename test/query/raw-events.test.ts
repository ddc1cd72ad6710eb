import { writeCursor } from '../../lambdas/query/parameters.ts'
import { keptEvents, planEventSearch, readEvents, readKeptEvents } from '../../lambdas/query/raw-events.ts'
import { StoreFailure } from '../../lambdas/store-failure.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import { MAX_CURSOR_CHARACTERS, MAX_NAME_CHARACTERS, MAX_SOURCE_CHARACTERS } from '../../shared/limits.ts'
import { eventDocument } from '../../shared/raw-events.ts'
import { isRejection } from '../../shared/rejections.ts'
import { searchOver } from '../fakes/search-index.ts'
import { anEvent, aVisit } from '../fixtures/builders.ts'

const catalogue = new Map(eventTypes.map(type => [type.name, type]))
const document = (id: string, received: number, source = 'web', type = 'page_visit', subject: string | null = '1') => {
  const event = { ...aVisit('/a', 1, { id, received, source }), type, subject }
  return eventDocument(event, catalogue.get(type)) as Record<string, string | number>
}

const documents = [
  document('c', 1000),
  document('a', 3000),
  document('b', 2000, 'web'),
  document('b', 2000, 'app'),
  document('b', 2000, 'app', 'page_visit', null),
  document('b', 2000, 'app', 'page_visit', '2'),
  document('d', 2000),
  document('e', 9000, 'web', 'reading'),
]

async function read(type: string, parameters: Record<string, string>) {
  const page = await readEvents(type, parameters, searchOver(documents).client, eventTypes)
  if (isRejection(page)) throw new Error(page.message)
  return page
}

test('the search reads the indices of the type, newest arrival first, and returns 100 events by default', () => {
  expect(planEventSearch('page_visit', {}, eventTypes)).toEqual({
    index: 'events-page_visit-*',
    size: 101,
    body: {
      query: { bool: { filter: [{ term: { event_type: 'page_visit' } }] } },
      sort: [{ received: 'desc' }, { event_id: 'asc' }, { source: 'asc' }, { subject: 'asc' }],
      track_total_hits: false,
    },
  })
  expect(planEventSearch('page_visit', { limit: '1000' }, eventTypes)).toMatchObject({ size: 1001 })
})

test.each(['signup', '*', '../_all'])('a type without a definition becomes a term filter and never an index name: %s', type => {
  expect(planEventSearch(type, {}, eventTypes)).toMatchObject({
    index: 'events-uncatalogued-*',
    body: { query: { bool: { filter: [{ term: { event_type: type } }] } } },
  })
})

test.each([1, 2, 3, 4, 7])(
  'pages of %d events follow each other without a gap or a repetition, and the last one has no cursor',
  async limit => {
    const pages: string[][] = []
    let cursor: string | null = null
    do {
      const page = await read('page_visit', { limit: String(limit), ...(cursor && { cursor }) })
      pages.push(page.data.map(({ event_id, source, subject }) => `${event_id} ${source} ${subject}`))
      cursor = page.cursor
    } while (cursor)
    expect(pages.flat()).toEqual(['a web 1', 'b app 1', 'b app 2', 'b app null', 'b web 1', 'd web 1', 'c web 1'])
    expect(pages).toHaveLength(Math.ceil(7 / limit))
  },
)

test('an event is returned as it was indexed', async () => {
  const event = anEvent({ plan: 'pro' }, { type: 'signup', id: 's', received: 5000 })
  const { client } = searchOver([eventDocument(event, undefined) as Record<string, string>])
  expect(await readEvents('signup', {}, client, eventTypes)).toEqual({
    data: [
      {
        ...{ event_id: 's', event_type: 'signup', subject: '1', source: 'test' },
        ...{ event_time: '1970-01-01T00:00:00Z', received: '1970-01-01T00:00:05Z', data: { plan: 'pro' } },
      },
    ],
    cursor: null,
  })
})

test('a type without events gives an empty page', async () => {
  expect(await read('app_action', {})).toEqual({ data: [], cursor: null })
})

test('the longest id, source and subject, in characters that need escapes, fit into a cursor', async () => {
  const [id, source] = ['\u0001'.repeat(MAX_NAME_CHARACTERS), '\u0001'.repeat(MAX_SOURCE_CHARACTERS)]
  const { client } = searchOver([document(id, 2001, source, 'page_visit', id), document('a', 1000)])
  const first = await readEvents('page_visit', { limit: '1' }, client, eventTypes)
  const cursor = 'cursor' in first ? (first.cursor ?? '') : ''
  expect(cursor).toHaveLength(MAX_CURSOR_CHARACTERS)
  expect(await readEvents('page_visit', { limit: '1', cursor }, client, eventTypes)).toMatchObject({ data: [{ event_id: 'a' }] })
})

const ofVisits = ['events-page_visit-*', '[{"term":{"event_type":"page_visit"}}]']
/** The cursor of the same query with a position that no page has. */
const tampered = (cursor: string) => {
  const [digest, , ...position] = JSON.parse(Buffer.from(cursor, 'base64url').toString())
  return Buffer.from(JSON.stringify([digest, 'no date', ...position])).toString('base64url')
}

test.each([
  ['limit', { limit: '0' }],
  ['limit', { limit: '1001' }],
  ['cursor', { cursor: 'made up' }],
  ['cursor', { cursor: writeCursor(['2026-01-31T12:00:00Z', 'd1'], ofVisits) }],
  ['cursor', { cursor: writeCursor(['2026-01-31T12:00:00Z', 1, 'web', '1'], ofVisits) }],
  ['cursor', { cursor: tampered(writeCursor(['2026-01-31T12:00:00Z', 'd1', 'web', '1'], ofVisits)) }],
])('the rejection of a bad %s names it, and no search is sent: %j', async (parameter, parameters) => {
  const { client, requests } = searchOver(documents)
  const result = await readEvents('page_visit', parameters, client, eventTypes)
  expect(result).toMatchObject({ code: 'invalid_request', message: expect.stringMatching(`^${parameter} must be`) })
  expect(requests).toEqual([])
})

test('the cursor of another query is rejected with the reason', async () => {
  const { client } = searchOver(documents)
  const projectionCursor = { cursor: writeCursor(['2026-01-31T12:00:00Z', 'd1'], ['device-minutes', '[]']) }
  expect(await readEvents('page_visit', projectionCursor, client, eventTypes)).toMatchObject({
    message: 'cursor must be a cursor that the same query returned.',
  })
})

test.each([
  ['of another type', 'reading', undefined],
  ['of all types', undefined, 'page_visit'],
])('the cursor %s does not continue this one', async (_, from, to) => {
  const { client } = searchOver([...documents, document('f', 8000, 'web', 'reading')])
  const page = await readEvents(from, { limit: '1' }, client, eventTypes)
  const cursor = 'cursor' in page ? (page.cursor ?? '') : ''
  expect(await readEvents(from, { cursor }, client, eventTypes)).toMatchObject({ cursor: null })
  expect(await readEvents(to, { cursor }, client, eventTypes)).toMatchObject({ code: 'invalid_request' })
})

test('a position that OpenSearch refuses is a wrong cursor, and any other failure stays one', async () => {
  const cursor = writeCursor(['no date', 'd1', 'web', '1'], ofVisits)
  const read = (statusCode: number, parameters: object) =>
    readEvents('page_visit', { ...parameters }, { search: () => Promise.reject(new StoreFailure({ statusCode })) }, eventTypes)
  expect(await read(400, { cursor })).toMatchObject({ code: 'invalid_request' })
  await expect(read(400, {})).rejects.toThrow(StoreFailure)
  await expect(read(503, { cursor })).rejects.toThrow(StoreFailure)
})

test('without a type, the events of all types are read', async () => {
  expect(planEventSearch(undefined, {}, eventTypes)).toMatchObject({
    index: 'events-*',
    body: { query: { bool: { filter: [] } } },
  })
})

test('a stage without OpenSearch gives search_off', async () => {
  expect(await readEvents('page_visit', {}, undefined, eventTypes)).toMatchObject({ code: 'search_off' })
})

test.each(['', 'x'.repeat(129)])('a type that no event can have is rejected, and no search is sent: %j', async type => {
  const { client, requests } = searchOver(documents)
  expect(await readEvents(type, {}, client, eventTypes)).toMatchObject({
    code: 'invalid_request',
    message: 'type must have 1 to 128 characters.',
  })
  expect(requests).toEqual([])
})

describe('events that the stage does not keep in OpenSearch', () => {
  const readFrom = (types: string, type: string | undefined, found: typeof documents = []) =>
    readKeptEvents(type, {}, { client: searchOver(found).client, eventTypes, keeps: keptEvents(types) })
  const remedy = 'Add them to search.rawEvents in infra/settings.ts and deploy the stage. The archive has all events.'

  test.each<[string, string | undefined, string]>([
    ['none', undefined, 'This stage keeps no raw events in OpenSearch.'],
    ['none', 'page_visit', 'This stage keeps no raw events of this type in OpenSearch.'],
    ['interaction', 'signup', 'This stage keeps no raw events of this type in OpenSearch.'],
  ])('kept types %s: the answer to a query for %s says so', async (types, type, message) => {
    expect(await readFrom(types, type)).toMatchObject({ code: 'search_off', message: `${message} ${remedy}` })
  })

  test('an empty page of a kept type is a page, and events of a type that was kept before are shown', async () => {
    expect(await readFrom('interaction,page_visit', 'page_visit')).toEqual({ data: [], cursor: null })
    expect(await readFrom('all', undefined)).toEqual({ data: [], cursor: null })
    expect(await readFrom('interaction', 'page_visit', documents)).toMatchObject({ data: expect.arrayContaining([documents[0]]) })
  })
})
