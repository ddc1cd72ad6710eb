import type { FunctionName } from './environment.ts'

export type Scope = 'write' | 'read' | 'admin'

export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE' | 'OPTIONS'
  /** As API Gateway writes it: `{name}` is one segment, `{name+}` the rest of the path (it decodes %2F before it looks for the route). */
  readonly path: string
  /** The scope a key needs; null: no key. An admin key may do everything. */
  readonly scope: Scope | null
  readonly function: FunctionName
  readonly about: string
}

export const routes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/events',
    scope: 'write',
    function: 'ingest',
    about: 'Events in envelopes: one, an array, or NDJSON.',
  },
  { method: 'POST', path: '/v1/events/{type}', scope: 'write', function: 'ingest', about: 'Raw rows of one catalogued type.' },
  { method: 'OPTIONS', path: '/{proxy+}', scope: null, function: 'ingest', about: 'CORS.' },
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
    path: '/v1/health',
    scope: null,
    function: 'query',
    about: 'Which stores answer, and how far behind they are.',
  },
  { method: 'GET', path: '/', scope: null, function: 'query', about: 'The console page.' },
]
