import { pageOf, type QuarantinedItem } from '../cli/quarantine.ts'
import { formatTable } from '../cli/table.ts'
import { differences } from './scenarios/independent/compare.ts'
import { recompute } from './scenarios/independent/recompute.ts'

test('a table aligns its columns, numbers to the right, and shows what is missing', () => {
  const rows = [
    { name: 'a', n: 5, at: new Date('2026-01-01T00:00:00Z') },
    { name: 'long', n: 12.34567, at: null },
    { name: '', n: 10n, at: [1] },
  ]
  expect(formatTable(rows, ['name', 'n', 'at'])).toBe(
    'name       n  at\na          5  2026-01-01\nlong  12.346  -\n          10  [1]',
  )
})

const item = (key: string, received: number): QuarantinedItem => ({
  key,
  code: 'invalid_event',
  message: '',
  type: null,
  id: null,
  keyName: 'k',
  received,
  count: 1,
})

test('the quarantine is listed newest first, and the pages join without gap or overlap', () => {
  const items = [item('a', 1), item('c', 3), item('b', 3), item('d', 2)]
  const first = pageOf(items, 3, undefined)
  expect([first.total, first.items.map(({ key }) => key), first.cursor]).toEqual([4, ['b', 'c', 'd'], 'd'])
  const second = pageOf(items, 3, 'd')
  expect([second.total, second.items.map(({ key }) => key), second.cursor]).toEqual([4, ['a'], null])
})

const visit = (event_id: string, Timestamp: number, Url: string) => JSON.stringify({ event_id, Id: 1, Timestamp, Url })
const reading = (event_id: string, timestamp: number, change: object = {}) =>
  JSON.stringify({ event_id, device_id: 'd', timestamp, temperature: 20, event_duration: 10, status: 'ok', ...change })

test('worked out by hand: addresses by time, of one time the later arrival first, a repetition moves nothing', () => {
  const lines = [visit('1', 10, '/a'), visit('2', 30, '/b'), visit('3', 10, '/c'), visit('1', 99, '/a'), '{"Id":1}', 'no']
  const expected = recompute([{ type: 'page_visit', lines }])
  expect(expected.recentUrls).toEqual([{ id: 1, last_5_urls: ['/b', '/c', '/a'] }])
  expect([expected.identities.size, expected.quarantined]).toEqual([3, 2])
})

test('worked out by hand: minutes of a device, below zero too; errors and missing measures are in no window', () => {
  const lines = [
    reading('1', 59.999, { temperature: 21 }),
    reading('2', 0, { temperature: 24 }),
    reading('3', -0.5),
    reading('4', 1, { status: 'error' }),
    reading('5', 1, { temperature: null }),
    reading('6', 60),
  ]
  expect(recompute([{ type: 'reading', lines }]).deviceMinutes).toEqual([
    { device_id: 'd', window_start: '1970-01-01T00:00:00Z', avg_temperature: 22.5, avg_event_duration: 10, num_events: 2 },
    { device_id: 'd', window_start: '1969-12-31T23:59:00Z', avg_temperature: 20, avg_event_duration: 10, num_events: 1 },
    { device_id: 'd', window_start: '1970-01-01T00:01:00Z', avg_temperature: 20, avg_event_duration: 10, num_events: 1 },
  ])
})

test('worked out by hand: the 95th percentile drops what is beyond three sigma and needs 200 of a device', () => {
  const durations = [...Array.from({ length: 200 }, (_, n) => n), 100_000]
  const lines = durations.map((event_duration, n) => reading(String(n), n, { event_duration, status: null }))
  const [row] = recompute([{ type: 'reading', lines }]).p95ByDevice
  expect(row).toMatchObject({ date: '1970-01-01', group: 'd', num_events: 201, kept: 200 })
  expect(row?.event_duration_p95).toBeCloseTo(189.05, 9)
  expect(recompute([{ type: 'reading', lines: lines.slice(0, 199) }]).p95ByDevice).toEqual([])
})

test('the comparison names what is missing, too many, different or twice', () => {
  const expected = recompute([{ type: 'page_visit', lines: [visit('1', 10, '/a')] }])
  const found = { ...expected, identities: ['page_visit 1'] }
  expect(differences(expected, found)).toEqual([])
  expect(differences(expected, { ...found, identities: [] })[0]).toMatch('archive page_visit 1: expected')
  expect(differences(expected, { ...found, quarantined: 1 })).toEqual(['quarantine events: quarantined should be 0 and is 1'])
  expect(differences(expected, { ...found, recentUrls: [{ id: 1, last_5_urls: ['/b'] }] })).toEqual([
    'recent-urls 1: last_5_urls should be ["/a"] and is ["/b"]',
  ])
  const twice = [...expected.recentUrls, ...expected.recentUrls]
  expect(differences(expected, { ...found, recentUrls: twice })).toEqual(['recent-urls: 1 rows stand there twice'])
  const other = { id: 2, last_5_urls: [] }
  expect(differences(expected, { ...found, recentUrls: [...expected.recentUrls, other] })).toEqual([
    'recent-urls 2: stands there and should not',
  ])
})
