import { writeCursor } from '../../lambdas/query/parameters.ts'
import { planEventSearch, readEvents } from '../../lambdas/query/raw-events.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import { eventDocument } from '../../shared/raw-events.ts'
import { isRejection } from '../../shared/rejections.ts'
import { searchOver } from '../fakes/search-index.ts'
import { anEvent, aVisit } from '../fixtures/builders.ts'

const catalogue = new Map(eventTypes.map(type => [type.name, type]))
const document = (id: string, received: number, source = 'web', type = 'page_visit') => {
  const event = { ...aVisit('/a', 1, { id, received, source }), type }
  return eventDocument(event, catalogue.get(type)) as Record<string, string | number>
}

const documents = [
  document('c', 1000),
  document('a', 3000),
  document('b', 2000, 'web'),
  document('b', 2000, 'app'),
  document('d', 2000),
  document('e', 9000, 'web', 'reading'),
]

async function read(type: string, parameters: Record<string, string>) {
  const answer = await readEvents(type, parameters, searchOver(documents).client, eventTypes)
  if (isRejection(answer)) throw new Error(answer.message)
  return answer
}

test('events of a type are sought in its own indices, the newest arrival first, at most 100 unless the query says how many', () => {
  expect(planEventSearch('page_visit', {}, eventTypes)).toEqual({
    index: 'events-page_visit-*',
    size: 101,
    body: {
      query: { bool: { filter: [{ term: { event_type: 'page_visit' } }] } },
      sort: [{ received: 'desc' }, { event_id: 'asc' }, { source: 'asc' }],
      track_total_hits: false,
    },
  })
  expect(planEventSearch('page_visit', { limit: '1000' }, eventTypes)).toMatchObject({ size: 1001 })
})

test.each(['signup', '*', '../_all'])('a type without a definition is only a term, never an index: %s', type => {
  expect(planEventSearch(type, {}, eventTypes)).toMatchObject({
    index: 'events-uncatalogued-*',
    body: { query: { bool: { filter: [{ term: { event_type: type } }] } } },
  })
})

test.each([1, 2, 3, 4, 5])('pages of %d events join without gap or repetition, the last has no cursor', async limit => {
  const pages: string[][] = []
  let cursor: string | null = null
  do {
    const page = await read('page_visit', { limit: String(limit), ...(cursor && { cursor }) })
    pages.push(page.data.map(({ event_id, source }) => `${event_id} ${source}`))
    cursor = page.cursor
  } while (cursor)
  expect(pages.flat()).toEqual(['a web', 'b app', 'b web', 'd web', 'c web'])
  expect(pages).toHaveLength(Math.ceil(5 / limit))
})

test('an event is shown as it was indexed', async () => {
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

test('without events the answer is empty', async () => {
  expect(await read('app_action', {})).toEqual({ data: [], cursor: null })
})

test.each([
  ['limit', { limit: '0' }],
  ['limit', { limit: '1001' }],
  ['cursor', { cursor: 'made up' }],
  ['cursor', { cursor: writeCursor(['2026-01-31T12:00:00Z', 'd1']) }],
  ['cursor', { cursor: writeCursor(['2026-01-31T12:00:00Z', 1, 'web']) }],
])('a bad %s is refused by its name, and nothing is asked: %j', async (parameter, parameters) => {
  const { client, asked } = searchOver(documents)
  const answer = await readEvents('page_visit', parameters, client, eventTypes)
  expect(answer).toMatchObject({ code: 'invalid_request', message: expect.stringMatching(`^${parameter} must be`) })
  expect(asked).toEqual([])
})

test('the cursor of another query is refused with what is wrong with it', async () => {
  const { client } = searchOver(documents)
  const ofProjection = { cursor: writeCursor(['2026-01-31T12:00:00Z', 'd1']) }
  expect(await readEvents('page_visit', ofProjection, client, eventTypes)).toMatchObject({
    message: 'cursor must be the cursor of an answer to the same query.',
  })
})

test('where a stage has no OpenSearch, search is off', async () => {
  expect(await readEvents('page_visit', {}, undefined, eventTypes)).toMatchObject({ code: 'search_off' })
})
