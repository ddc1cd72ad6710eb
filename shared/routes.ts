import { type Call, calls } from './dialects/segment.ts'
import type { FunctionName } from './environment.ts'
import type { Scope } from './keys.ts'

export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE' | 'OPTIONS' | 'ANY'
  /** As API Gateway writes it: `{name}` is one segment, `{name+}` the rest of the path (it decodes %2F before it looks for the route). */
  readonly path: string
  /** The scope a key needs; null: no key. An admin key may do everything. */
  readonly scope: Scope | null
  readonly function: FunctionName
  readonly about: string
}

/** Paths that ingest tells apart by itself. */
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

/** The Segment call that a path is for. */
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
  post(paths.beacon, 'A batch of calls that a page sends when it closes; the key is ?writeKey=.'),
  post(paths.metrics, 'What Segment SDKs tell of themselves: answered and not kept.', null),
  {
    method: 'GET',
    path: '/v1/projects/{key}/settings',
    scope: null,
    function: 'ingest',
    about: 'What Segment in a browser asks for at its start.',
  },
  {
    method: 'GET',
    path: paths.sourceConfig,
    scope: null,
    function: 'ingest',
    about: 'What RudderStack in a browser asks for at its start.',
  },
]

export const routes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/events',
    scope: 'write',
    function: 'ingest',
    about: 'Events in envelopes: one, an array, NDJSON, or CloudEvents.',
  },
  { method: 'POST', path: '/v1/events/{type}', scope: 'write', function: 'ingest', about: 'Raw rows of one catalogued type.' },
  ...fromSdks,
  { method: 'OPTIONS', path: '/{proxy+}', scope: null, function: 'ingest', about: 'CORS.' },
  { method: 'ANY', path: '/{proxy+}', scope: null, function: 'ingest', about: '404 for whatever is not here.' },
  {
    method: 'GET',
    path: '/v1/users/{id+}',
    scope: 'read',
    function: 'query',
    about: 'All states and the newest windows of a user.',
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
  { method: 'GET', path: '/v1/quarantine', scope: 'admin', function: 'query', about: 'Events that were put aside, and why.' },
  {
    method: 'GET',
    path: '/v1/metrics',
    scope: 'read',
    function: 'query',
    about: 'How many events each part took in each minute of the last hour.',
  },
  { method: 'GET', path: '/v1/openapi.json', scope: null, function: 'query', about: 'This API as an OpenAPI document.' },
  {
    method: 'GET',
    path: '/v1/health',
    scope: null,
    function: 'query',
    about: 'Which stores answer, and how far behind they are.',
  },
  { method: 'GET', path: '/', scope: null, function: 'query', about: 'The console page.' },
]
