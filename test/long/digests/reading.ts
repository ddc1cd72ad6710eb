import type { APIGatewayProxyEventV2 } from 'aws-lambda'
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
import { seen } from './ingesting.ts'
import { logged } from './log.ts'

const USERS = 60

type Ask = (routeKey: string, more?: object) => Promise<void>

const asked =
  (answers: unknown[]): Ask =>
  async (routeKey, more = {}) => {
    const event = { routeKey, headers: { authorization: 'Bearer all' }, requestContext: { requestId: 'r' }, ...more }
    answers.push([routeKey, more, ...seen(await query(event as unknown as APIGatewayProxyEventV2))])
  }

/** Asks the API for what a run left in the stores. */
export async function readEverything(name: string, cloud: Cloud, outputs: Outputs): Promise<void> {
  const answers: unknown[] = []
  const ask = asked(answers)
  const requests = cloud.search.requests.length
  const users = cloud.items().flatMap(({ pk, sk }) => (sk?.S === 'state' ? [pk?.S?.slice('user#'.length) ?? ''] : []))
  const log = await logged(async () => {
    for (const id of [...users.slice(0, USERS), 'hot', 'nobody at all'])
      await ask('GET /v1/users/{id+}', { pathParameters: { id } })
    for (const projection of projections)
      await ask('GET /v1/projections/{name}', {
        pathParameters: { name: projection.name },
        queryStringParameters: { limit: '50' },
      })
    for (const type of eventTypes)
      await ask('GET /v1/events/{type}', { pathParameters: { type: type.name }, queryStringParameters: { limit: '20' } })
    await ask('GET /v1/quarantine', { queryStringParameters: { limit: '30' } })
    await ask('GET /v1/quarantine', { queryStringParameters: { code: 'invalid_event' } })
  })
  outputs.add(`${name}.reading`, [...answers, ...cloud.search.requests.slice(requests), ...log])
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

/** Every route with parameters right and wrong, with keys of every kind. */
export async function readRoutes(cloud: Cloud, outputs: Outputs): Promise<void> {
  const answers: unknown[] = []
  const ask = asked(answers)
  const described: unknown[] = []
  const log = await logged(async () => {
    for (const key of ['', 'Bearer good', 'Bearer reads', 'Bearer all', 'Bearer nobody'])
      for (const { method, path } of routes.filter(
        route => route.function === 'query' && !['/', '/v1/openapi.json'].includes(route.path),
      ))
        await ask(`${method} ${path}`, {
          headers: { authorization: key, origin: 'https://a.b' },
          pathParameters: { id: '1', name: 'x', type: 'y' },
        })
    for (const queryStringParameters of parameters) {
      for (const { name } of [...projections, { name: 'nothing' }])
        await ask('GET /v1/projections/{name}', { pathParameters: { name }, queryStringParameters })
      for (const { name } of [...reports, { name: 'nothing' }])
        await ask('GET /v1/reports/{name}', { pathParameters: { name }, queryStringParameters })
      for (const type of ['reading', 'signup'])
        await ask('GET /v1/events/{type}', { pathParameters: { type }, queryStringParameters })
      await ask('GET /v1/quarantine', { queryStringParameters })
    }
    await ask('GET /nowhere')
    await asked(described)('GET /v1/openapi.json')
  })
  outputs.add('routes.answers', [...answers, ...cloud.search.requests, ...log])
  outputs.add('openapi', described, DESCRIPTIONS)
}

/** What the catalogue derives for stores and clients. */
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
    routes.map(({ method, path, scope, function: answeredBy }) => [method, path, scope, answeredBy]),
  )
}
