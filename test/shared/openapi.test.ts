import { Validator } from '@seriousme/openapi-schema-validator'
import { eventTypes, projections, reports } from '../../shared/catalogue.ts'
import { details } from '../../shared/openapi/details.ts'
import { openApi } from '../../shared/openapi.ts'
import { routes } from '../../shared/routes.ts'

const document = openApi(routes, { eventTypes, projections, reports })

interface Operation {
  readonly operationId: string
  readonly security: readonly object[]
  readonly parameters?: readonly { readonly name: string; readonly in: string }[]
  readonly responses: Readonly<Record<string, { readonly content: Readonly<Record<string, { readonly schema: object }>> }>>
}
const operation = (method: string, path: string) => document.paths[path]?.[method] as Operation

test('the document is valid OpenAPI 3.1', async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document) as never)
  expect([valid, errors]).toEqual([true, undefined])
})

test('every route that does not only respond with 404 is described, and no operation is described twice', () => {
  const described = Object.values(document.paths).flatMap(operations => Object.values(operations) as Operation[])
  const ids = described.map(({ operationId }) => operationId)
  expect(new Set(ids).size).toBe(ids.length)
  for (const { method, path } of routes.filter(({ about }) => !about.startsWith('Responds with 404'))) {
    const plain = path.replaceAll('+}', '}')
    const pattern = new RegExp(`^${plain.replace(/\{(?:name|type)\}/, '[^/{]+')}$`.replace(/\{(\w+)\}/g, '\\{$1\\}'))
    expect(
      Object.keys(document.paths).filter(known => pattern.test(known) && operation(method.toLowerCase(), known)),
    ).not.toEqual([])
  }
})

test('details exist only for routes that exist', () => {
  const known = routes.map(({ method, path }) => `${method} ${path}`)
  expect(Object.keys(details).filter(key => !known.includes(key))).toEqual([])
})

test('operations without a key have no security, all others name both ways to send a key', () => {
  expect(operation('get', '/v1/health').security).toEqual([])
  expect(operation('get', '/v1/users/{id}').security).toEqual([{ bearer: [] }, { basic: [] }])
})

test('the response of a projection has the schema of its documents, and only parameters that it supports', () => {
  const minutes = operation('get', '/v1/projections/device-minutes')
  expect(minutes.parameters?.map(({ name }) => name)).toEqual(['key', 'from', 'to', 'limit', 'cursor'])
  expect(minutes.responses['200']?.content['application/json']?.schema).toMatchObject({
    properties: { data: { items: { properties: { num_events: { type: 'integer' }, avg_temperature: { type: 'number' } } } } },
  })
  expect(operation('get', '/v1/projections/recent-urls').parameters?.map(({ name }) => name)).toEqual(['key', 'limit', 'cursor'])
})

test('all codes with the same status share one error response', () => {
  const { responses } = operation('get', '/v1/quarantine')
  expect(responses['401']?.content['application/json']?.schema).toMatchObject({
    properties: { code: { enum: ['key_missing', 'key_unknown', 'key_conflict'] } },
  })
})

test('a quarantined event may say that the states may contain it', () => {
  const schema = operation('get', '/v1/quarantine').responses['200']?.content['application/json']?.schema
  const row = (schema as { properties: { data: { items: object } } }).properties.data.items
  expect(row).toMatchObject({
    additionalProperties: false,
    properties: { mayHaveBeenFolded: { const: true }, key: { type: 'string' } },
    required: expect.not.arrayContaining(['mayHaveBeenFolded']),
  })
})
