import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { type SavedObject, savedObjects } from '../../cli/dashboards/saved-objects.ts'
import { workloadsOf } from '../../cli/dashboards/workloads.ts'
import { importObjects } from '../../cli/dashboards.ts'
import { eventTypes, projections } from '../../shared/catalogue.ts'
import { UserError } from '../../shared/user-error.ts'

const objects = savedObjects(eventTypes, projections)
const ofType = (type: SavedObject['type']) => objects.filter(object => object.type === type)
const json = (object: SavedObject, field: string) => JSON.parse(String(object.attributes[field]))

test('every projection, and every type without a projection, has a data view and a dashboard', () => {
  const titles = ofType('index-pattern').map(({ attributes }) => attributes['title'])
  expect(titles).toEqual(expect.arrayContaining(projections.map(({ name }) => name)))
  expect(titles).toContain('events-interaction-*')
  expect(ofType('dashboard')).toHaveLength(titles.length)
})

test('ids are unique, and every reference points to an object in the file', () => {
  const known = objects.map(({ type, id }) => `${type} ${id}`)
  expect(new Set(known).size).toBe(known.length)
  const wanted = objects.flatMap(({ references }) => references.map(({ type, id }) => `${type} ${id}`))
  expect(wanted.filter(reference => !known.includes(reference))).toEqual([])
})

test('every panel of a dashboard has a reference and its own position', () => {
  for (const dashboard of ofType('dashboard')) {
    const panels = json(dashboard, 'panelsJSON') as { panelRefName: string; gridData: { x: number; y: number } }[]
    expect(panels.map(({ panelRefName }) => panelRefName)).toEqual(dashboard.references.map(({ name }) => name))
    expect(new Set(panels.map(({ gridData: { x, y } }) => `${x} ${y}`)).size).toBe(panels.length)
  }
})

test('charts use only fields of the index', () => {
  const fields = new Map(workloadsOf(eventTypes, projections).map(({ name, fields }) => [name, Object.keys(fields)]))
  for (const chart of ofType('visualization')) {
    const { title, aggs } = json(chart, 'visState') as { title: string; aggs: { params: { field?: string } }[] }
    const [name = ''] = title.split(': ')
    for (const { params } of aggs) if (params.field) expect(fields.get(name)).toContain(params.field)
  }
})

/** A server that responds to an import as OpenSearch Dashboards do, and records the requests. */
async function dashboards(result: object, status = 200) {
  const sent: { url: string | undefined; header: unknown; body: string }[] = []
  const server = createServer((request, response) => {
    void text(request).then(body => {
      sent.push({ url: request.url, header: request.headers['osd-xsrf'], body })
      response.writeHead(status).end(JSON.stringify(result))
    })
  }).listen(0, '127.0.0.1')
  await new Promise(listening => server.once('listening', listening))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, sent, close: () => new Promise(closed => server.close(closed)) }
}

test('an import sends all objects as lines of one file and overwrites older versions', async () => {
  const { url, sent, close } = await dashboards({ success: true, successCount: 2 })
  expect(await importObjects(`${url}/`, '{"id":"a"}\n{"id":"b"}\n', undefined)).toBe(2)
  await close()
  expect(sent).toMatchObject([{ url: '/api/saved_objects/_import?overwrite=true', header: 'true' }])
  expect(sent[0]?.body).toContain('{"id":"a"}\n{"id":"b"}\n')
})

test('objects that Dashboards reject are named in one line', async () => {
  const rejection = { success: false, successCount: 0, errors: [{ id: 'a', error: { type: 'missing_references' } }] }
  const { url, close } = await dashboards(rejection)
  const error = await importObjects(url, '{}\n', undefined).catch((error: unknown) => error)
  await close()
  expect(error).toEqual(new UserError('OpenSearch Dashboards rejected a (missing_references)'))
})
