import { eventTypes, projections, reports } from '../../shared/catalogue.ts'
import { dialects } from '../../shared/dialects.ts'
import { openApi } from '../../shared/openapi.ts'
import { routesWith } from '../../shared/routes.ts'
import { ingestInMemory, withKey } from '../fakes/ingest.ts'
import { toy } from '../fixtures/toy-dialect.ts'

/** The one line that adds the format. */
const known = [...dialects, toy]

test('a request to the route of an added format is accepted', async () => {
  const { request, events } = ingestInMemory({}, known)
  const response = await request('/toy/v1/lines/', { headers: withKey, body: 'signup;e1;anna\nsignup;e2;' })
  expect(response).toMatchObject({ status: 200, body: { success: true, accepted: 1, quarantined: [{ index: 1 }] } })
  expect(events).toMatchObject([{ type: 'signup', id: 'e1', subject: 'anna', source: 'web', data: { keyName: 'web' } }])
})

test('the added format gets keys, limits and rejections like every other', async () => {
  const { request, events } = ingestInMemory({}, known)
  expect(await request('/toy/v1/lines', { body: 'signup;e1;anna' })).toMatchObject({ status: 401, body: { code: 'key_missing' } })
  const old = await request('/toy/v0/lines', { headers: withKey, body: '' })
  expect(old).toMatchObject({ status: 415, body: { code: 'unsupported_format', message: 'Send version v1.' } })
  expect(events).toEqual([])
})

test('it may claim requests to a route of another format; the others are decoded as before', async () => {
  const { request, events } = ingestInMemory({}, known)
  await request('/v1/events', { headers: { ...withKey, 'x-toy': 'yes' }, body: 'signup;e1;anna' })
  await request('/v1/events', { headers: withKey, body: '{"type":"login","id":"e2"}' })
  const cloudEvent = '{"specversion":"1.0","id":"e3","source":"/s","type":"cloud"}'
  await request('/v1/events', { headers: withKey, body: cloudEvent })
  expect(events.map(({ type, id, source }) => [type, id, source])).toEqual([
    ['signup', 'e1', 'web'],
    ['login', 'e2', 'web'],
    ['cloud', 'e3', '/s'],
  ])
})

test('its settings are served, its headers are allowed, and OpenAPI describes its routes', async () => {
  const { request } = ingestInMemory({}, known)
  const settings = await request('/toy/settings', { method: 'GET', query: { writeKey: 'k' } })
  expect(settings).toMatchObject({ status: 200, body: { key: 'k' }, headers: { 'cache-control': 'public, max-age=300' } })
  const { headers } = await request('/toy/v1/lines', { method: 'OPTIONS' })
  expect(String(headers['access-control-allow-headers']).split(', ')).toContain('x-toy')
  const { paths } = openApi(routesWith(known), { eventTypes, projections, reports })
  expect(paths['/toy/{version}/lines']?.['post']).toMatchObject({ summary: 'Lines of type, id and subject.' })
  expect(paths['/v1/events']?.['post']).toMatchObject({ summary: expect.stringContaining('Events in envelopes') })
})

test('without its line in the list, its routes do not exist', async () => {
  const { request } = ingestInMemory()
  expect(await request('/toy/v1/lines', { headers: withKey, body: 'signup;e1;anna' })).toMatchObject({ status: 404 })
})
