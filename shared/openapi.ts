import { details } from './openapi/details.ts'
import { type Catalogue, type Detail, errorSchema, type Schema } from './openapi/schemas.ts'
import { type RejectionCode, rejections } from './rejections.ts'
import type { Route } from './routes.ts'

export interface OpenApiDocument {
  readonly openapi: '3.1.0'
  readonly info: object
  readonly servers: readonly object[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>>
  readonly components: object
}

const BASIC = 'The key as the user, with any password.'
const BEARER =
  'A key of the operation’s scope, made by `millrace keys create`; an admin key may do everything. X-Write-Key and ?writeKey= carry it, too.'

/** The API as an OpenAPI 3.1 document: the routes, with the shapes of the catalogue's types, projections and reports. */
export function openApi(routes: readonly Route[], catalogue: Catalogue): OpenApiDocument {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes.filter(({ method }) => method !== 'ANY'))
    for (const detail of detailsOf(route, catalogue)) {
      const operations = paths[detail.path] ?? {}
      paths[detail.path] = operations
      operations[route.method.toLowerCase()] = operationOf(route, detail)
    }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Millrace',
      version: '1',
      summary: 'Event analytics: every accepted event in every store, exactly once.',
      description: 'A 200 to a POST means that every event of the request is durable, in the stream or in quarantine.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: BEARER },
        basic: { type: 'http', scheme: 'basic', description: BASIC },
      },
    },
  }
}

/** A route's operations: one a name of the catalogue where the path has one, so that each has its own shapes. */
function detailsOf(route: Route, catalogue: Catalogue): readonly Detail[] {
  const known = details[`${route.method} ${route.path}`]
  if (known) return known(catalogue)
  const path = route.path.replaceAll('+}', '}')
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
  const parameters = names.map(name => ({ name, in: 'path', required: true, schema: { type: 'string', minLength: 1 } }))
  const body: Schema | undefined = route.method === 'POST' ? { type: ['object', 'array'] } : undefined
  return [
    { path, parameters, ...(body && { body }), ok: { type: 'object' }, codes: route.method === 'POST' ? ['malformed_json'] : [] },
  ]
}

function operationOf({ method, path, scope, about }: Route, detail: Detail): object {
  return {
    operationId: `${method} ${detail.path}`
      .replace(/[^A-Za-z0-9]+/g, '-')
      .replace(/-$/, '')
      .toLowerCase(),
    summary: detail.about ?? about,
    tags: [tagOf(path)],
    security: scope === null ? [] : [{ bearer: [] }, { basic: [] }],
    ...(detail.parameters.length > 0 && { parameters: detail.parameters }),
    ...(detail.body && { requestBody: { required: true, content: { 'application/json': { schema: detail.body } } } }),
    responses: {
      ...(method === 'OPTIONS' ? preflight : done(detail)),
      ...errorResponses([...(scope === null ? [] : KEYED), ...detail.codes, 'rate_limited', 'unavailable'], detail.unhealthy),
    },
  }
}

const done = ({ contentType = 'application/json', ok }: Detail) => ({
  200: { description: 'Done.', content: { [contentType]: { schema: ok } } },
})
const preflight = { 204: { description: 'The CORS headers, and no body.' } }

const KEYED: readonly RejectionCode[] = ['key_missing', 'key_unknown', 'key_conflict', 'key_scope']

/** One response a status, with the codes that it can carry. */
function errorResponses(codes: readonly RejectionCode[], unhealthy: Schema | undefined): Record<string, object> {
  const byStatus = Map.groupBy(codes, code => refusedWith(code))
  return Object.fromEntries(
    [...byStatus].map(([status, some]) => {
      const schema = errorSchema(some)
      const shown = status === 503 && unhealthy ? { anyOf: [unhealthy, schema] } : schema
      const description = some.map(code => rejections[code].help).join(' ')
      return [status, { description, content: { 'application/json': { schema: shown } } }]
    }),
  )
}

/** A code that puts single events aside refuses a body that claims to be a CloudEvent as a whole. */
const refusedWith = (code: RejectionCode): number => (rejections[code].status === 200 ? 400 : rejections[code].status)

/** What follows the version, such as `events`; what Segment's clients call stands together. */
function tagOf(path: string): string {
  const [, , name = ''] = path.split('/')
  return ['events', 'users', 'projections', 'reports', 'quarantine'].includes(name)
    ? name
    : ['', 'health', 'metrics', 'openapi.json'].includes(name)
      ? 'operation'
      : 'sdk'
}
