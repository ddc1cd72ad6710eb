import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Client } from '@opensearch-project/opensearch'
import { type Searcher, searchRights } from '../../infra/search-rights.ts'
import { deleteErased } from '../../lambdas/search/erasure.ts'
import { bulk, openSearch } from '../../lambdas/search/opensearch.ts'
import { createIndices, dropOldEvents, ensureEventTemplates, ensureIndices } from '../../lambdas/search/set-up.ts'
import { eventTypes, projections } from '../../shared/catalogue.ts'
import { EVERY_EVENT_INDEX } from '../../shared/raw-events.ts'
import { indexOf } from '../../shared/search-index.ts'
import type { UserItem } from '../../shared/state.ts'

/** A cluster without indices of projections, with an old index of raw events. It notes what it is asked. */
const requests = new Set<string>()
const server = createServer((request, response) => {
  const [path = ''] = (request.url ?? '').split('?')
  requests.add(`${request.method} ${path}`)
  request.resume()
  const isMissing = request.method === 'HEAD' && path !== '/'
  response.writeHead(isMissing ? 404 : 200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(answerTo(path)))
})
const mapping = { mappings: { properties: { device: { type: 'keyword' }, window_start: {} } } }
const mappings = Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`device-minutes-r${at + 1}`, mapping]))
const answerTo = (path: string): object => {
  if (path.endsWith('/_mapping')) return mappings
  if (path.endsWith('/_search')) return { hits: { hits: [] } }
  if (path === '/_bulk') return { items: [{ delete: { status: 200 } }] }
  return path === '/events-*' ? { 'events-interaction-2020.01.01': {} } : {}
}
let client: Client

beforeAll(async () => {
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  client = openSearch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
afterAll(async () => {
  await client.close()
  server.closeAllConnections()
  server.close()
})
beforeEach(() => requests.clear())

const writeOne = () => bulk(client, [{ action: 'delete', index: 'x', id: 'y', version: 1 }])
const eraseOne = () => deleteErased(client, { users: [{ user: '7', erasedOrder: 9 } as UserItem], windows: [] })

/** What each function asks, by the functions of the product that ask it. */
const work: Readonly<Record<Searcher, readonly (() => PromiseLike<unknown>)[]>> = {
  'index-documents': [() => ensureIndices(client, projections), eraseOne, writeOne],
  'index-events': [
    () => ensureEventTemplates(client, eventTypes),
    () => createIndices(client, ['events-interaction-2026.11.24']),
    writeOne,
  ],
  'set-up': [
    () => ensureIndices(client, projections),
    () => ensureEventTemplates(client, eventTypes),
    () => dropOldEvents(client, 7, Date.UTC(2026, 0, 1)),
  ],
  reindex: [() => ensureIndices(client, projections), eraseOne, writeOne],
  replay: [writeOne],
  query: [
    () => client.ping(),
    ...[...projections.map(({ name }) => name), EVERY_EVENT_INDEX, 'events-uncatalogued-*'].map(
      index => () => client.search({ index, body: { query: { match_all: {} } } }),
    ),
  ],
}

/** Whether a pattern of IAM matches: `*` stands for any characters, also for slashes. */
const matches = (pattern: string, path: string): boolean =>
  new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(path)

const rightsOf = (name: Searcher): (readonly [verb: string, pattern: string])[] =>
  searchRights(projections)[name].flatMap(({ verbs, paths }) =>
    verbs.flatMap(verb => paths.map(path => [verb.toUpperCase(), `/${path}`] as const)),
  )

test.each(Object.keys(work) as Searcher[])('%s may send exactly what it sends to OpenSearch', async name => {
  for (const step of work[name]) await step()
  const sent = [...requests].map(request => request.split(' ') as [string, string])
  const rights = rightsOf(name)
  const allows = ([verb, pattern]: readonly [string, string], [sentVerb, path]: readonly [string, string]) =>
    verb === sentVerb && matches(pattern, path)
  expect(sent.filter(request => !rights.some(right => allows(right, request)))).toEqual([])
  expect(rights.filter(right => !sent.some(request => allows(right, request)))).toEqual([])
})

test.each([
  ['POST', '/_bulk'],
  ['POST', '/events-interaction-2026.11.24/_delete_by_query'],
  ['PUT', '/recent-urls-r1/_doc/1'],
  ['DELETE', '/recent-urls-r1'],
  ['GET', '/_cluster/settings'],
])('query may not send %s %s', (verb, path) => {
  expect(rightsOf('query').filter(([allowed, pattern]) => allowed === verb && matches(pattern, path))).toEqual([])
})

test('no function may change the settings of the cluster', () => {
  for (const name of Object.keys(work) as Searcher[])
    expect(rightsOf(name).filter(([, pattern]) => matches(pattern, '/_cluster/settings'))).toEqual([])
})

test('the indices of a projection are those that its functions may create', () => {
  for (const projection of projections) expect(matches(`${projection.name}-r*`, indexOf(projection))).toBe(true)
})
