import { details } from './openapi/details.ts'
import { type Catalogue, type Detail, errorSchema, type Schema } from './openapi/schemas.ts'
import { type RejectionCode, rejections } from './rejections.ts'
import type { Route } from './route.ts'

export interface OpenApiDocument {
  readonly openapi: '3.1.0'
  readonly info: object
  readonly servers: readonly object[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>>
  readonly components: object
}

const BASIC = 'The key as the user name, with any password.'
const BEARER =
  'A key with the scope of the operation, created with `millrace keys create`. An admin key may call every operation. The key may also be sent in X-Write-Key; client and write keys also in ?writeKey=.'

/** The API as an OpenAPI 3.1 document: the routes, with the schemas of the catalogue's event types, projections and reports. */
export function openApi(routes: readonly Route[], catalogue: Catalogue): OpenApiDocument {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Millrace',
      version: '1',
      summary: 'Event analytics: every accepted event counts exactly once.',
      description: 'Status 200 to a POST means that every event of the request is durable, in the stream or in the quarantine.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths: pathsOf(routes, catalogue),
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: BEARER },
        basic: { type: 'http', scheme: 'basic', description: BASIC },
      },
    },
  }
}

function pathsOf(routes: readonly Route[], catalogue: Catalogue): OpenApiDocument['paths'] {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes.filter(isDescribed))
    for (const detail of detailsOf(route, catalogue))
      paths[detail.path] = { ...paths[detail.path], [route.method.toLowerCase()]: operationOf(route, detail) }
  return paths
}

/** Routes that only respond with 404 are not described. */
const isDescribed = ({ method, path }: Route): boolean => method !== 'ANY' && !(method === 'GET' && path.endsWith('{proxy+}'))

/** The operations of a route: one for each name of the catalogue that its path can have, because their schemas differ. */
function detailsOf(route: Route, catalogue: Catalogue): readonly Detail[] {
  return details[route.key]?.(catalogue) ?? [defaultDetail(route)]
}

function defaultDetail(route: Route): Detail {
  const isPost = route.method === 'POST'
  const path = route.path.replaceAll('+}', '}')
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
  const parameters = names.map(name => ({ name, in: 'path', required: true, schema: { type: 'string', minLength: 1 } }))
  return {
    path,
    parameters,
    ...(isPost && { body: { type: ['object', 'array'] } }),
    ok: { type: 'object' },
    codes: isPost ? ['malformed_json'] : [],
  }
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
      ...(method === 'OPTIONS' ? preflightResponse : successResponse(detail)),
      ...errorResponses(
        [
          ...(scope === null ? [] : KEY_CODES),
          ...(scope === 'write' ? (['key_origin'] as const) : []),
          ...detail.codes,
          'rate_limited',
          'internal_error',
          'unavailable',
        ],
        detail.unhealthy,
      ),
    },
  }
}

const successResponse = ({ contentType = 'application/json', ok }: Detail) => ({
  200: { description: 'Success.', content: { [contentType]: { schema: ok } } },
})
const preflightResponse = { 204: { description: 'The CORS headers, without a body.' } }

/** Every route that needs a key can respond with these codes. */
const KEY_CODES: readonly RejectionCode[] = ['key_missing', 'key_unknown', 'key_conflict', 'key_scope']

/** One response per status, with the codes that it can have. */
function errorResponses(codes: readonly RejectionCode[], unhealthy: Schema | undefined): Record<string, object> {
  const byStatus = Map.groupBy(codes, errorStatus)
  return Object.fromEntries(
    [...byStatus].map(([status, codesOfStatus]) => {
      const error = errorSchema(codesOfStatus)
      const schema = status === 503 && unhealthy ? { anyOf: [unhealthy, error] } : error
      const description = codesOfStatus.map(code => rejections[code].help).join(' ')
      return [status, { description, content: { 'application/json': { schema } } }]
    }),
  )
}

/** The status of a code in an error response. A code that quarantines single events rejects a whole body of CloudEvents. */
const errorStatus = (code: RejectionCode): number => (rejections[code].status === 200 ? 400 : rejections[code].status)

const RESOURCES = ['events', 'users', 'projections', 'reports', 'quarantine']
const OPERATION = ['', 'health', 'metrics', 'openapi.json']

/** The resource after the version in the path, such as `events`. All routes of SDKs share one tag. */
function tagOf(path: string): string {
  const [, , name = ''] = path.split('/')
  if (RESOURCES.includes(name)) return name
  return OPERATION.includes(name) ? 'operation' : 'sdk'
}
