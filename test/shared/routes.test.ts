import type { CatchAllHandlers } from '../../lambdas/ingest/ingest.ts'
import type { RouteHandlers } from '../../lambdas/query/query-routes.ts'
import type { Dialect } from '../../shared/dialect.ts'
import { dialects } from '../../shared/dialects.ts'
import { details } from '../../shared/openapi/details.ts'
import { entriesOf, matchRoute, type RouteKey } from '../../shared/route.ts'
import { ingestRoutes, queryRoutes, routes } from '../../shared/routes.ts'

const known = ingestRoutes(dialects)
const matchOf = (method: string, path: string, of: readonly { key: RouteKey; method: string; path: string }[] = known) => {
  const matched = matchRoute(of as typeof known, method, path)
  return matched && [matched.route.key, matched.parameters]
}

test.each([
  ['POST', '/v1/events', 'POST /v1/events', {}],
  ['POST', '/v1/events/', 'POST /v1/events', {}],
  ['POST', '/v1/events/page_visit', 'POST /v1/events/{type}', { type: 'page_visit' }],
  ['POST', '/v1/events/__proto__/', 'POST /v1/events/{type}', { type: '__proto__' }],
  ['POST', '/v1/t', 'POST /v1/t', {}],
  ['GET', '/v1/projects/KEY/settings', 'GET /v1/projects/{key}/settings', { key: 'KEY' }],
  ['GET', '/sourceConfig/', 'GET /sourceConfig', {}],
  ['OPTIONS', '/v1/events', 'OPTIONS /{proxy+}', { proxy: 'v1/events' }],
  ['OPTIONS', '/', 'OPTIONS /{proxy+}', { proxy: '' }],
  ['GET', '/', 'ANY /{proxy+}', { proxy: '' }],
  ['HEAD', '/v1/projects/KEY/settings/', 'GET /v1/projects/{key}/settings', { key: 'KEY' }],
  ['HEAD', '/v1/events', 'ANY /{proxy+}', { proxy: 'v1/events' }],
  ['PUT', '/v1/events', 'ANY /{proxy+}', { proxy: 'v1/events' }],
  ['POST', '/v1/events/a/b', 'ANY /{proxy+}', { proxy: 'v1/events/a/b' }],
  ['POST', '/v1/events//', 'ANY /{proxy+}', { proxy: 'v1/events//' }],
  ['GET', '/v1/projects//settings', 'GET /v1/projects/{proxy+}', { proxy: '/settings' }],
])('ingest matches %s %s with %s', (method, path, key, parameters) => {
  expect(matchOf(method, path)).toEqual([key, parameters])
})

test.each([
  ['/v1/users/anna@mail.example', 'GET /v1/users/{id+}', { id: 'anna@mail.example' }],
  ['/v1/users/a/b/', 'GET /v1/users/{id+}', { id: 'a/b/' }],
  ['/v1/users/', 'GET /v1/users', {}],
  ['/v1/events/', 'GET /v1/events', {}],
  ['/v1/events/a/b.c %', 'GET /v1/events/{type+}', { type: 'a/b.c %' }],
  ['/v1/health/', 'GET /v1/health', {}],
  ['/v1/openapi-json', 'GET /v1/{proxy+}', { proxy: 'openapi-json' }],
  ['/v1/reports/duration-p95', 'GET /v1/reports/{name}', { name: 'duration-p95' }],
  ['/v1/openapi.json', 'GET /v1/openapi.json', {}],
  ['/', 'GET /', {}],
])('query matches %s with %s', (path, key, parameters) => {
  for (const method of ['GET', 'HEAD']) expect(matchOf(method, path, queryRoutes)).toEqual([key, parameters])
})

test.each([
  ['POST', '/v1/users'],
  ['GET', '/v2'],
  ['POST', '/v1/health'],
])('query matches %s %s with no route', (method, path) => {
  expect(matchOf(method, path, queryRoutes)).toBeUndefined()
})

test('of several routes that match, the most specific one wins, in any order of the table', () => {
  const table = ['ANY /{proxy+}', 'ANY /v1/x', 'GET /v1/{name}', 'GET /v1/x', 'GET /{proxy+}'] as const
  const unordered = table.map(key => ({ key, method: key.split(' ')[0] ?? '', path: key.split(' ')[1] ?? '' }))
  for (const order of [unordered, unordered.toReversed()]) {
    expect(matchOf('GET', '/v1/x', order)?.[0]).toBe('GET /v1/x')
    expect(matchOf('POST', '/v1/x', order)?.[0]).toBe('ANY /v1/x')
    expect(matchOf('GET', '/v1/y', order)?.[0]).toBe('GET /v1/{name}')
    expect(matchOf('GET', '/v2', order)?.[0]).toBe('GET /{proxy+}')
  }
})

test('no key is in the table twice', () => {
  const keys = routes.map(({ key }) => key)
  expect(new Set(keys).size).toBe(keys.length)
})

test('of the dialects with the same route, all but the first decide by `claims`, and their names differ', () => {
  const all: readonly Dialect[] = dialects
  const owners = new Map<RouteKey, Dialect>()
  for (const dialect of all)
    for (const [key] of entriesOf(dialect.routes)) {
      if (owners.has(key)) expect(dialect.claims).toBeDefined()
      else owners.set(key, dialect)
    }
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length)
})

test('a route without a handler, a handler without a route, and details without a route do not compile', () => {
  const check = (query: RouteHandlers, catchAll: CatchAllHandlers) => {
    const { 'GET /v1/health': _health, ...withoutHealth } = query
    const { 'OPTIONS /{proxy+}': _options, ...withoutOptions } = catchAll
    // @ts-expect-error: GET /v1/health has no handler.
    const incomplete: RouteHandlers = withoutHealth
    // @ts-expect-error: no route is GET /v1/nothing.
    const surplus: RouteHandlers = { ...query, 'GET /v1/nothing': query['GET /v1/health'] }
    // @ts-expect-error: OPTIONS has no handler.
    const incompleteIngest: CatchAllHandlers = withoutOptions
    // @ts-expect-error: a route of a dialect must say what it serves.
    const unserved: Dialect['routes'] = { 'POST /v1/new': { about: 'A route that does nothing.' } }
    // @ts-expect-error: settings are served to GET.
    const posted: Dialect['routes'] = { 'POST /v1/new': { serves: 'settings', about: 'Settings.', settings: () => ({}) } }
    return [incomplete, surplus, incompleteIngest, unserved, posted]
  }
  expect(check).toBeDefined()
  expect(details['GET /v1/health']).toBeDefined()
})
