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

test('every projection, and every type that no projection folds, has a data view and a dashboard', () => {
  const titles = ofType('index-pattern').map(({ attributes }) => attributes['title'])
  expect(titles).toEqual(expect.arrayContaining(projections.map(({ name }) => name)))
  expect(titles).toContain('events-interaction-*')
  expect(ofType('dashboard')).toHaveLength(titles.length)
})

test('ids are unique, and every reference leads to an object of the file', () => {
  const known = objects.map(({ type, id }) => `${type} ${id}`)
  expect(new Set(known).size).toBe(known.length)
  const wanted = objects.flatMap(({ references }) => references.map(({ type, id }) => `${type} ${id}`))
  expect(wanted.filter(reference => !known.includes(reference))).toEqual([])
})

test('every panel of a dashboard has its reference, and lies beside no other', () => {
  for (const dashboard of ofType('dashboard')) {
    const panels = json(dashboard, 'panelsJSON') as { panelRefName: string; gridData: { x: number; y: number } }[]
    expect(panels.map(({ panelRefName }) => panelRefName)).toEqual(dashboard.references.map(({ name }) => name))
    expect(new Set(panels.map(({ gridData: { x, y } }) => `${x} ${y}`)).size).toBe(panels.length)
  }
})

test('charts ask only for fields that the index has', () => {
  const fields = new Map(workloadsOf(eventTypes, projections).map(({ name, fields }) => [name, Object.keys(fields)]))
  for (const chart of ofType('visualization')) {
    const { title, aggs } = json(chart, 'visState') as { title: string; aggs: { params: { field?: string } }[] }
    const [name = ''] = title.split(': ')
    for (const { params } of aggs) if (params.field) expect(fields.get(name)).toContain(params.field)
  }
})

/** Answers an import as Dashboards do, and keeps what was sent. */
async function dashboards(answer: object, status = 200) {
  const sent: { url: string | undefined; header: unknown; body: string }[] = []
  const server = createServer((request, response) => {
    void text(request).then(body => {
      sent.push({ url: request.url, header: request.headers['osd-xsrf'], body })
      response.writeHead(status).end(JSON.stringify(answer))
    })
  }).listen(0, '127.0.0.1')
  await new Promise(listening => server.once('listening', listening))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, sent, close: () => new Promise(closed => server.close(closed)) }
}

test('an import sends every object as a line of one file, over those of before', async () => {
  const { url, sent, close } = await dashboards({ success: true, successCount: 2 })
  expect(await importObjects(`${url}/`, '{"id":"a"}\n{"id":"b"}\n', undefined)).toBe(2)
  await close()
  expect(sent).toMatchObject([{ url: '/api/saved_objects/_import?overwrite=true', header: 'true' }])
  expect(sent[0]?.body).toContain('{"id":"a"}\n{"id":"b"}\n')
})

test('what Dashboards refuse is one line that names it', async () => {
  const refusal = { success: false, successCount: 0, errors: [{ id: 'a', error: { type: 'missing_references' } }] }
  const { url, close } = await dashboards(refusal)
  await expect(importObjects(url, '{}\n', undefined)).rejects.toThrow(new UserError('Not imported: a (missing_references)'))
  await close()
})
