import { type Call, calls } from './dialects/segment.ts'
import type { FunctionName } from './environment.ts'
import type { Scope } from './keys.ts'

export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE' | 'OPTIONS' | 'ANY'
  /**
   * In API Gateway's syntax: `{name}` is one segment, `{name+}` the rest of the path. API Gateway decodes %2F before it matches
   * a route.
   */
  readonly path: string
  /** The scope that the key must have; null if no key is needed. An admin key may call every route. */
  readonly scope: Scope | null
  readonly function: FunctionName
  readonly about: string
}

/** Paths that ingest handles differently. */
export const paths = {
  events: '/v1/events',
  batch: '/v1/batch',
  shortBatch: '/v1/b',
  beacon: '/beacon/v1/batch',
  metrics: '/v1/m',
  sourceConfig: '/sourceConfig',
} as const

const callPaths: ReadonlyMap<string, Call> = new Map(
  Object.entries(calls).flatMap(([call, letter]) => [call, letter].map(name => [`/v1/${name}`, call as Call])),
)

/** The Segment call of a path; undefined for other paths. */
export const callOf = (path: string): Call | undefined => callPaths.get(path)

const post = (path: string, about: string, scope: Scope | null = 'write'): Route => ({
  method: 'POST',
  path,
  scope,
  function: 'ingest',
  about,
})

const fromSdks: readonly Route[] = [
  ...[...callPaths].map(([path, call]) => post(path, `One ${call} call of a Segment SDK.`)),
  ...[paths.batch, paths.shortBatch].map(path => post(path, 'A batch of calls of a Segment SDK.')),
  post(paths.beacon, 'A batch of calls that a page sends when it closes. The key is in ?writeKey=.'),
  post(paths.metrics, 'Metrics of Segment SDKs about themselves. They are accepted but not stored.', null),
  {
    method: 'GET',
    path: '/v1/projects/{key}/settings',
    scope: null,
    function: 'ingest',
    about: 'The settings that a Segment SDK in a browser loads at its start.',
  },
  {
    method: 'GET',
    path: paths.sourceConfig,
    scope: null,
    function: 'ingest',
    about: 'The configuration that a RudderStack SDK in a browser loads at its start.',
  },
]

export const routes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/events',
    scope: 'write',
    function: 'ingest',
    about: 'Events in envelopes: one object, an array, NDJSON, or CloudEvents.',
  },
  {
    method: 'POST',
    path: '/v1/events/{type}',
    scope: 'write',
    function: 'ingest',
    about: 'Raw rows of one event type of the catalogue.',
  },
  ...fromSdks,
  { method: 'OPTIONS', path: '/{proxy+}', scope: null, function: 'ingest', about: 'Preflight requests of CORS.' },
  { method: 'ANY', path: '/{proxy+}', scope: null, function: 'ingest', about: 'Responds with 404 to every other path.' },
  {
    method: 'GET',
    path: '/v1/users/{id+}',
    scope: 'read',
    function: 'query',
    about: 'All states of a user, and its newest windows.',
  },
  {
    method: 'GET',
    path: '/v1/projections/{name}',
    scope: 'read',
    function: 'query',
    about: 'Documents of a projection, newest first.',
  },
  { method: 'GET', path: '/v1/reports/{name}', scope: 'read', function: 'query', about: 'Rows of a published report.' },
  {
    method: 'GET',
    path: '/v1/events/{type}',
    scope: 'read',
    function: 'query',
    about: 'Recent raw events of a type, newest first.',
  },
  {
    method: 'GET',
    path: '/v1/quarantine',
    scope: 'admin',
    function: 'query',
    about: 'Quarantined events, with the reason of each.',
  },
  {
    method: 'GET',
    path: '/v1/metrics',
    scope: 'read',
    function: 'query',
    about: 'Number of events that each part processed in each minute of the last hour.',
  },
  { method: 'GET', path: '/v1/openapi.json', scope: null, function: 'query', about: 'This API as an OpenAPI document.' },
  {
    method: 'GET',
    path: '/v1/health',
    scope: null,
    function: 'query',
    about: 'Which stores are reachable, and the lag of each in seconds.',
  },
  { method: 'GET', path: '/', scope: null, function: 'query', about: 'The console page.' },
]
