import { handler as query } from '../../../lambdas/query/query.lambda.ts'
import { archiveColumns, envelopeColumns, fieldColumns } from '../../../shared/archive-columns.ts'
import { eventTypes, projections, reports } from '../../../shared/catalogue.ts'
import { jsonSchemaOf } from '../../../shared/json-schema.ts'
import { projectionKey } from '../../../shared/projection.ts'
import { eventMapping } from '../../../shared/raw-events.ts'
import { routes } from '../../../shared/routes.ts'
import { indexOf, mappingOf } from '../../../shared/search-index.ts'
import { DESCRIPTIONS, type Outputs } from './canonical.ts'
import type { Cloud } from './cloud.ts'
import { captureLog } from './log.ts'
import { apiEvent, gatewayEvent, responseParts } from './requests.ts'

const USERS = 60

interface RequestFacts {
  readonly headers?: Readonly<Record<string, string>>
  readonly pathParameters?: Readonly<Record<string, string>>
  readonly queryStringParameters?: Readonly<Record<string, string>>
}

type Query = (routeKey: string, more?: RequestFacts) => Promise<void>

/** Returns a function that queries the API and adds each response to the list. */
const querying =
  (responses: unknown[]): Query =>
  async (routeKey, more = {}) => {
    const event = { ...gatewayEvent(routeKey, more), headers: { authorization: 'Bearer all' }, ...more }
    responses.push([routeKey, more, ...responseParts(await query(apiEvent(event)))])
  }

/** Queries the API for everything that a run stored. */
export async function queryEverything(name: string, cloud: Cloud, outputs: Outputs): Promise<void> {
  const responses: unknown[] = []
  const get = querying(responses)
  const requests = cloud.search.requests.length
  const users = cloud.items().flatMap(({ pk, sk }) => (sk?.S === 'state' ? [pk?.S?.slice('user#'.length) ?? ''] : []))
  const log = await captureLog(async () => {
    for (const id of [...users.slice(0, USERS), 'hot', 'nobody at all'])
      await get('GET /v1/users/{id+}', { pathParameters: { id } })
    for (const projection of projections)
      await get('GET /v1/projections/{name}', {
        pathParameters: { name: projection.name },
        queryStringParameters: { limit: '50' },
      })
    for (const type of eventTypes)
      await get('GET /v1/events/{type+}', { pathParameters: { type: type.name }, queryStringParameters: { limit: '20' } })
    await get('GET /v1/quarantine', { queryStringParameters: { limit: '30' } })
    await get('GET /v1/quarantine', { queryStringParameters: { code: 'invalid_event' } })
  })
  outputs.add(`${name}.reading`, [...responses, ...cloud.search.requests.slice(requests), ...log])
}

const parameters: readonly Readonly<Record<string, string>>[] = [
  {},
  { limit: '0' },
  { limit: '1001' },
  { limit: '1' },
  { key: '7' },
  { key: 'x' },
  { key: '99999999999999999' },
  { from: '2026-01-01T00:00:00.5Z', to: '2026-01-02T00:00:00+02:00' },
  { from: 'noon' },
  { to: '2026-13-01T00:00:00Z' },
  { cursor: 'bad!' },
  { cursor: Buffer.from('["2026-01-01T00:00:00Z","7"]').toString('base64url') },
  { cursor: Buffer.from('[7]').toString('base64url') },
  { cursor: Buffer.from(JSON.stringify(['0'.repeat(64)])).toString('base64url') },
  { code: 'invalid_event' },
  { code: '__proto__' },
  { date: '2026-01-31' },
  { date: '2026-02-30' },
  { at: '2026-01-31T12:00:00Z' },
  { at: 'noon' },
  { by: 'device', limit: '5' },
  { by: 'nothing' },
]

/** Queries every route with valid and invalid parameters and with keys of every scope. */
export async function queryRoutes(cloud: Cloud, outputs: Outputs): Promise<void> {
  const responses: unknown[] = []
  const get = querying(responses)
  const document: unknown[] = []
  const log = await captureLog(async () => {
    for (const key of ['', 'Bearer good', 'Bearer reads', 'Bearer all', 'Bearer nobody'])
      for (const { method, path } of routes.filter(
        route => route.function === 'query' && !['/', '/v1/openapi.json'].includes(route.path),
      ))
        await get(`${method} ${path}`, {
          headers: { authorization: key, origin: 'https://a.b' },
          pathParameters: { id: '1', name: 'x', type: 'y' },
        })
    for (const queryStringParameters of parameters) {
      for (const { name } of [...projections, { name: 'nothing' }])
        await get('GET /v1/projections/{name}', { pathParameters: { name }, queryStringParameters })
      for (const { name } of [...reports, { name: 'nothing' }])
        await get('GET /v1/reports/{name}', { pathParameters: { name }, queryStringParameters })
      for (const type of ['reading', 'signup'])
        await get('GET /v1/events/{type+}', { pathParameters: { type }, queryStringParameters })
      await get('GET /v1/quarantine', { queryStringParameters })
    }
    await get('GET /nowhere')
    await querying(document)('GET /v1/openapi.json')
  })
  outputs.add('routes.answers', [...responses, ...cloud.search.requests, ...log])
  outputs.add('openapi', document, DESCRIPTIONS)
}

/** Everything that is derived from the catalogue for stores and clients. */
export function describeCatalogue(outputs: Outputs): void {
  outputs.add('catalogue.schemas', eventTypes.map(jsonSchemaOf), DESCRIPTIONS)
  outputs.add(
    'catalogue.archive-columns',
    archiveColumns(eventTypes).map(({ name, type }) => [name, type]),
  )
  outputs.add('catalogue.field-columns', [
    envelopeColumns.map(({ name, type }) => [name, type]),
    ...eventTypes.map(type => [type.name, fieldColumns(type).map(({ field, name, type: kind }) => [field, name, kind])]),
  ])
  outputs.add('catalogue.mappings', [
    ...projections.map(projection => [projectionKey(projection), indexOf(projection), mappingOf(projection.shape)]),
    ...[...eventTypes, undefined].map(type => [type?.name ?? null, eventMapping(type)]),
  ])
  outputs.add(
    'catalogue.report-columns',
    reports.map(report => {
      const tables = report.kind === 'daily' ? report.tables.map(({ by, columns }) => [by, columns]) : [[null, report.columns]]
      return [
        report.name,
        tables.map(([by, columns]) => [by, (columns as typeof envelopeColumns).map(({ name, type }) => [name, type])]),
      ]
    }),
  )
  outputs.add(
    'catalogue.routes',
    routes.map(({ method, path, scope, function: service }) => [method, path, scope, service]),
  )
}
