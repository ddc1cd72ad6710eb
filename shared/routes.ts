import type { Dialect } from './dialect.ts'
import { dialects } from './dialects.ts'
import { entriesOf, type Route, type RouteFacts, type RouteKey, type RouteTable, routesOf } from './route.ts'

/** The routes of the query function. */
const queryTable = {
  'GET /v1/users/{id+}': { scope: 'read', about: 'All states of a user, and its newest windows.' },
  'GET /v1/users': { scope: 'read', about: 'The same for the user in `id`: any text, also text that a path cannot contain.' },
  'GET /v1/projections/{name}': { scope: 'read', about: 'Documents of a projection, newest first.' },
  'GET /v1/reports/{name}': { scope: 'read', about: 'Rows of a published report.' },
  'GET /v1/events/{type+}': { scope: 'read', about: 'Recent raw events of a type, newest first.' },
  'GET /v1/events': { scope: 'read', about: 'Recent raw events of all types, or of the type in `type`, newest first.' },
  'GET /v1/quarantine': { scope: 'admin', about: 'Quarantined events, with the reason of each.' },
  'GET /v1/jobs/{id}': { scope: 'admin', about: 'A job: its state, and how far it is.' },
  'GET /v1/metrics': { scope: 'read', about: 'Number of events that each part processed in each minute of the last hour.' },
  'GET /v1/openapi.json': { scope: null, about: 'This API as an OpenAPI document.' },
  'GET /v1/health': { scope: null, about: 'Which stores are reachable, and the lag of each in seconds.' },
  'GET /': { scope: null, about: 'The console page.' },
  // API Gateway does not ignore a slash at the end of a path: only these routes match such a path.
  'GET /v1/{proxy+}': { scope: null, about: 'Responds with 404 to every other path.' },
} as const satisfies RouteTable

/** The routes of ingest that belong to no dialect. */
const catchAllTable = {
  'OPTIONS /{proxy+}': { scope: null, about: 'Preflight requests of CORS.' },
  'GET /v1/projects/{proxy+}': { scope: null, about: 'Responds with 404 to every other path of settings.' },
  'ANY /{proxy+}': { scope: null, about: 'Responds with 404 to every other path.' },
} as const satisfies RouteTable

type KeyOf<Table> = Table extends unknown ? keyof Table : never

export type QueryRouteKey = keyof typeof queryTable
export type CatchAllRouteKey = keyof typeof catchAllTable
type DialectRouteKey = KeyOf<(typeof dialects)[number]['routes']>

/** The key of every route of a deployment. */
export type KnownRouteKey = QueryRouteKey | CatchAllRouteKey | DialectRouteKey

export const queryRoutes: readonly Route<QueryRouteKey>[] = routesOf(queryTable, 'query')

/** The routes of ingest with these dialects. The first dialect with a route describes it. */
export const ingestRoutes = (known: readonly Dialect[]): Route[] =>
  routesOf({ ...dialectTable(known), ...catchAllTable }, 'ingest')

/** The routes of a deployment with these dialects. */
export const routesWith = (known: readonly Dialect[]): Route[] => [...ingestRoutes(known), ...queryRoutes]

export const routes: readonly Route[] = routesWith(dialects)

function dialectTable(known: readonly Dialect[]): RouteTable {
  const table = new Map<RouteKey, RouteFacts>()
  for (const [key, { serves, about }] of known.flatMap(dialect => entriesOf(dialect.routes)))
    if (!table.has(key)) table.set(key, { scope: serves === 'events' ? 'write' : null, about })
  return Object.fromEntries(table)
}
