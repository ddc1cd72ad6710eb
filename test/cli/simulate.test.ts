import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { SentFile } from '../../cli/demo/independent/lines.ts'
import { recompute } from '../../cli/demo/independent/recompute.ts'
import { simulatedLines } from '../../cli/simulate.ts'
import { rollDice } from '../../cli/simulators/dice.ts'
import { addClientFaults } from '../../cli/simulators/disturb.ts'
import { writeRows } from '../../cli/simulators/rows-file.ts'
import { simulators } from '../../cli/simulators/simulators.ts'
import { readSiteMap, urlsOf } from '../../cli/simulators/site-map.ts'
import { accept } from '../../shared/acceptance.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import type { Event } from '../../shared/event.ts'
import { isRejection, type Rejection } from '../../shared/rejections.ts'
import { aSender } from '../fixtures/keys.ts'

const NOW = Date.parse('2026-11-24T12:00:00.500Z')

async function rows<Row>(name: string, count: number, seed = 1): Promise<Row[]> {
  return [...(await simulatedLines(name, { count, seed }, NOW))].map(line => JSON.parse(line))
}

test.each(Object.keys(simulators))('the same seed gives the same %s, another seed gives others', async name => {
  expect(await rows(name, 50, 7)).toEqual(await rows(name, 50, 7))
  expect(await rows(name, 50, 7)).not.toEqual(await rows(name, 50, 8))
})

const arrival = {
  eventTypes: new Map(eventTypes.map(type => [type.name, type])),
  sender: aSender({ name: 'k' }),
  received: NOW,
  defaultId: () => 'none',
}

async function outcomes(name: string, count: number): Promise<(Event | Rejection)[]> {
  const type = simulators[name]?.type
  return (await rows(name, count)).map(data => accept({ type, data }, arrival))
}

test.each(['visits', 'actions', 'interactions', 'readings'])('all %s are accepted, and no two have the same id', async name => {
  const ids = new Set((await outcomes(name, 500)).map(event => (isRejection(event) ? event.message : event.id)))
  expect(ids.size).toBe(500)
  expect([...ids][0]).toBe(`${name}-1-0`)
})

test('users: most records are accepted, and every reason to quarantine one occurs', async () => {
  const found = await outcomes('users', 2_000)
  const codes = Map.groupBy(found.filter(isRejection), ({ code }) => code)
  expect(new Set(codes.keys())).toEqual(new Set(['date_invalid', 'date_missing', 'country_missing']))
  expect(found.filter(isRejection).length).toBeLessThan(200)
  const records = found.filter(event => !isRejection(event)) as Event<{ ip_valid: boolean }>[]
  expect(new Set(records.map(({ data }) => data.ip_valid))).toEqual(new Set([true, false]))
  expect(records.some(({ subject }) => subject?.startsWith('id:'))).toBe(true)
  expect(records.every(({ subject }) => subject === subject?.toLowerCase().trim())).toBe(true)
})

test('actions: the configured users, apps, actions, categories and values, one second apart', async () => {
  const actions = await rows<Record<string, unknown>>('actions', 2_000)
  const values = (field: string) => new Set(actions.map(action => action[field]))
  expect(values('user_id')).toEqual(new Set([1, 2, 3, 4, 5, 6]))
  expect(values('app_name')).toEqual(new Set(['product_1', 'product_2', 'product_3']))
  expect(values('event_action')).toEqual(new Set(['page_view', 'button_click', 'scroll', null]))
  expect(values('event_category')).toEqual(new Set(['category_1', 'category_2', 'category_3']))
  expect(values('event_value')).toEqual(new Set([37, 8, 5, 12, 54, null]))
  expect(actions[61]?.['event_time']).toBe('2026-01-01 00:01:01.000000')
  expect([...(await simulatedLines('actions', {}, NOW))].length).toBe(10_000)
})

test('interactions: all six known pairs, and some unknown ones', async () => {
  const events = (await outcomes('interactions', 1_000)) as Event<Record<'eventType' | 'eventValue' | 'eventId', string | null>>[]
  const pairs = new Set(
    events.filter(({ data }) => data.eventId !== null).map(({ data }) => `${data.eventType} ${data.eventValue}`),
  )
  expect(pairs.size).toBe(6)
  const unknown = events.filter(({ data }) => data.eventId === null).length
  expect(unknown).toBeGreaterThan(80)
  expect(unknown).toBeLessThan(200)
})

test('visits: users 0 to 10 open addresses of the site map, up to five seconds out of order', async () => {
  const visits = await rows<{ Id: number; Url: string; Timestamp: number }>('visits', 2_000)
  expect(new Set(visits.map(({ Id }) => Id))).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]))
  expect(visits.every(({ Url }) => Url.startsWith('https://www.example.com/'))).toBe(true)
  const start = Date.parse('2026-01-01T00:00:00Z') / 1000
  expect(new Set(visits.map(({ Timestamp }, n) => start + n - Timestamp))).toEqual(new Set([0, 1, 2, 3, 4, 5]))
})

test('readings: ten devices, one every hundredth of a second, temperatures in [20, 30), durations N(10, 2)', async () => {
  const readings = await rows<
    Record<'timestamp' | 'temperature' | 'event_duration', number> & Record<'device_id' | 'device_type' | 'status', string>
  >('readings', 20_000)
  expect(new Set(readings.map(({ device_id }) => device_id)).size).toBe(10)
  expect(new Set(readings.map(({ device_id, device_type }) => `${device_id} ${device_type}`)).size).toBe(10)
  expect(new Set(readings.map(({ status }) => status))).toEqual(new Set(['ok', 'warning', 'error']))
  expect(readings.slice(0, 3).map(({ timestamp }) => timestamp)).toEqual([1767225600, 1767225600.01, 1767225600.02])
  expect(readings.every(({ temperature }) => temperature >= 20 && temperature < 30)).toBe(true)
  const durations = readings.map(row => row.event_duration)
  const mean = durations.reduce((sum, value) => sum + value, 0) / durations.length
  const sigma = Math.sqrt(durations.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (durations.length - 1))
  expect(mean).toBeCloseTo(10, 1)
  expect(sigma).toBeCloseTo(2, 1)
})

test('without a seed the events end now', async () => {
  const lines = [...(await simulatedLines('readings', { count: 1_000 }, NOW))]
  const last = JSON.parse(lines.at(-1) ?? '') as { timestamp: number; event_id: string }
  expect(last.event_id).toBe(`readings-${NOW}-999`)
  expect(NOW / 1000 - last.timestamp).toBeGreaterThan(0)
  expect(NOW / 1000 - last.timestamp).toBeLessThan(2)
})

test.each(Object.entries(simulators))(
  'disturbed %s: one line in a hundred is repeated, some are rejected, and the product and the reference agree on which',
  async (name, { type }) => {
    const good = [...(await simulatedLines(name, { count: 10_000, seed: 3 }, NOW))]
    const sent = [...addClientFaults(good, rollDice(3))]
    const expected = recompute([{ type: type as SentFile['type'], lines: sent }], NOW)
    const distinct = new Set(sent)
    expect(expected.identities.size + expected.quarantined).toBe(distinct.size)
    expect(sent.length - distinct.size).toBeGreaterThan(70)
    const accepted = [...distinct].filter(line => isJson(line) && !isRejection(accept({ type, data: JSON.parse(line) }, arrival)))
    expect(accepted.length).toBe(expected.identities.size)
    expect(expected.quarantined).toBeGreaterThan(20)
  },
)

const isJson = (line: string): boolean => {
  try {
    return Boolean(JSON.parse(line))
  } catch {
    return false
  }
}

test.each([
  ['rows.json', '[\n{"a":1},\n{"b":2}\n]\n', '[]\n'],
  ['rows.jsonl', '{"a":1}\n{"b":2}\n', ''],
])('rows are written into %s', async (name, some, none) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-rows-'))
  const file = path.join(folder, name)
  expect(await writeRows(file, ['{"a":1}', '{"b":2}'])).toBe(2)
  expect(await readFile(file, 'utf8')).toBe(some)
  expect(await writeRows(file, [])).toBe(0)
  expect(await readFile(file, 'utf8')).toBe(none)
  await rm(folder, { recursive: true })
})

test('a site map gives its addresses in order, with entities decoded', () => {
  const xml =
    '<?xml version="1.0"?><urlset><url><loc>https://a/?x=1&amp;y=2</loc></url><url><loc>https://a/b</loc></url></urlset>'
  expect(urlsOf(xml, 'x.xml')).toEqual(['https://a/?x=1&y=2', 'https://a/b'])
})

test.each([
  ['<urlset><url><loc>https://a</loc></urlset>', 'invalid XML'],
  ['not xml', 'invalid XML'],
  ['<sitemapindex><sitemap><loc>https://a</loc></sitemap></sitemapindex>', 'index of site maps'],
  ['<urlset></urlset>', 'has no addresses'],
  ['<html><body/></html>', 'has no addresses'],
])('%s is rejected: %s', (xml, message) => {
  expect(() => urlsOf(xml, 'x.xml')).toThrow(message)
})

test('a site map is read from an address, and a missing one is named in the error', async () => {
  const server = createServer((request, response) => {
    if (request.url === '/map.xml') response.end('<urlset><url><loc>https://a/b</loc></url></urlset>')
    else response.writeHead(404).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  expect(await readSiteMap(`${address}/map.xml`)).toEqual(['https://a/b'])
  await expect(readSiteMap(`${address}/none.xml`)).rejects.toThrow(`The site map ${address}/none.xml cannot be read (status 404)`)
  await expect(readSiteMap('/not/there.xml')).rejects.toThrow('The site map /not/there.xml cannot be read (ENOENT')
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})
