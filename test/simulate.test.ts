import { simulatedLines } from '../cli/simulate.ts'
import { rollDice } from '../cli/simulators/dice.ts'
import { disturb } from '../cli/simulators/disturb.ts'
import { urlsOf } from '../cli/simulators/site-map.ts'
import { accept } from '../shared/event.ts'
import { pageVisit } from '../shared/events/page-visit.ts'
import { reading } from '../shared/events/reading.ts'
import { isRejection } from '../shared/rejections.ts'
import { recompute } from './scenarios/independent/recompute.ts'

const NOW = Date.parse('2026-11-24T12:00:00.500Z')

async function rows<Row>(name: string, count: number, seed = 1): Promise<Row[]> {
  return [...(await simulatedLines(name, { count, seed }, NOW))].map(line => JSON.parse(line))
}

test.each(['visits', 'readings'])('the same seed gives the same %s, another seed others', async name => {
  expect(await rows(name, 50, 7)).toEqual(await rows(name, 50, 7))
  expect(await rows(name, 50, 7)).not.toEqual(await rows(name, 50, 8))
})

test.each([
  ['visits', pageVisit],
  ['readings', reading],
])('all %s are accepted, and no two have the same id', async (name, type) => {
  const arrival = { eventTypes: new Map([[type.name, type]]) as never, keyName: 'k', received: NOW, defaultId: () => 'none' }
  const events = (await rows(name, 500)).map(data => accept({ type: type.name, data }, arrival))
  const ids = new Set(events.map(event => (isRejection(event) ? event.message : event.id)))
  expect(ids.size).toBe(500)
  expect([...ids][0]).toBe(`${name}-1-0`)
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

test('without a seed the events begin now', async () => {
  const [first = ''] = await simulatedLines('readings', { count: 1 }, NOW)
  expect(JSON.parse(first)).toMatchObject({ timestamp: Math.floor(NOW / 1000), event_id: `readings-${NOW}-0` })
})

test('careless clients: one line in a hundred comes again, some are refused, and the specification agrees which', async () => {
  const good = [...(await simulatedLines('readings', { count: 20_000, seed: 3 }, NOW))]
  const sent = [...disturb(good, rollDice(3))]
  const expected = recompute([{ type: 'reading', lines: sent }])
  const repeated = sent.length - new Set(sent).size
  expect(expected.identities.size + expected.quarantined + repeated).toBe(sent.length)
  expect(repeated).toBeGreaterThan(150)
  expect(expected.quarantined).toBeGreaterThan(60)
})

test('a site map gives its addresses in order, entities read', () => {
  const xml =
    '<?xml version="1.0"?><urlset><url><loc>https://a/?x=1&amp;y=2</loc></url><url><loc>https://a/b</loc></url></urlset>'
  expect(urlsOf(xml, 'x.xml')).toEqual(['https://a/?x=1&y=2', 'https://a/b'])
})

test.each([
  ['<urlset><url><loc>https://a</loc></urlset>', 'broken XML'],
  ['not xml', 'broken XML'],
  ['<sitemapindex><sitemap><loc>https://a</loc></sitemap></sitemapindex>', 'index of site maps'],
  ['<urlset></urlset>', 'holds no address'],
  ['<html><body/></html>', 'holds no address'],
])('%s is refused: %s', (xml, message) => {
  expect(() => urlsOf(xml, 'x.xml')).toThrow(message)
})
