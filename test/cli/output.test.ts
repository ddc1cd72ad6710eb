import { differences } from '../../cli/demo/independent/compare.ts'
import type { SentFile } from '../../cli/demo/independent/lines.ts'
import { recompute } from '../../cli/demo/independent/recompute.ts'
import { showProgress } from '../../cli/progress.ts'
import { pageOf } from '../../cli/quarantine/select.ts'
import { formatTable } from '../../cli/table.ts'
import type { IdentifiedSummary } from '../../shared/quarantine.ts'

test('a table aligns its columns, numbers to the right, and prints missing values as -', () => {
  const rows = [
    { name: 'a', n: 5, at: new Date('2026-01-01T00:00:00Z') },
    { name: 'long', n: 12.34567, at: null },
    { name: '', n: 10n, at: [1] },
  ]
  expect(formatTable(rows, ['name', 'n', 'at'])).toBe(
    'name       n  at\na          5  2026-01-01\nlong  12.346  -\n          10  [1]',
  )
})

test('a table may have 200,000 rows', () => {
  const rows = Array.from({ length: 200_000 }, (_, n) => ({ n }))
  expect(formatTable(rows, ['n'])).toMatch(/^ {5}n\n {5}0[\s\S]*\n199999$/)
})

const item = (key: string, received: number): IdentifiedSummary => ({
  key,
  code: 'invalid_event',
  message: '',
  type: null,
  id: null,
  keyName: 'k',
  received,
  count: 1,
  parts: [],
})

test('the quarantine is listed newest first, in pages without gap or overlap', () => {
  const items = [item('a', 1), item('c', 3), item('b', 3), item('d', 2)]
  const first = pageOf(items, 3, undefined)
  expect([first.total, first.items.map(({ key }) => key), first.cursor]).toEqual([4, ['b', 'c', 'd'], 'd'])
  const second = pageOf(items, 3, 'd')
  expect([second.total, second.items.map(({ key }) => key), second.cursor]).toEqual([4, ['a'], null])
})

test('a page after an event that was replayed or discarded meanwhile is refused; it would begin with the newest again', () => {
  const items = [item('a', 1), item('b', 3)]
  expect(() => pageOf(items, 1, 'd')).toThrow(/the key d.*without --cursor/)
  expect(pageOf(items, 1, 'a').items).toEqual([])
})

const recomputed = (type: SentFile['type'], lines: readonly string[], run = '2026-01-01T00:00:00Z') =>
  recompute([{ type, lines }], Date.parse(run))

const visit = (event_id: string, Timestamp: number, Url: string) => JSON.stringify({ event_id, Id: 1, Timestamp, Url })
const reading = (event_id: string, timestamp: number, change: object = {}) =>
  JSON.stringify({ event_id, device_id: 'd', timestamp, temperature: 20, event_duration: 10, status: 'ok', ...change })

test('recompute: addresses by time, then by later arrival; a repetition changes nothing', () => {
  const lines = [visit('1', 10, '/a'), visit('2', 30, '/b'), visit('3', 10, '/c'), visit('1', 99, '/a'), '{"Id":1}', 'no']
  const expected = recomputed('page_visit', lines)
  expect(expected.recentUrls).toEqual([{ id: 1, last_5_urls: ['/b', '/c', '/a'] }])
  expect([expected.identities.size, expected.quarantined]).toEqual([3, 2])
})

test('recompute: minutes of a device, also before 1970; errors and missing measures are in no window', () => {
  const lines = [
    reading('1', 59.999, { temperature: 21 }),
    reading('2', 0, { temperature: 24 }),
    reading('3', -0.5),
    reading('4', 1, { status: 'error' }),
    reading('5', 1, { temperature: null }),
    reading('6', 60),
  ]
  expect(recomputed('reading', lines).deviceMinutes).toEqual([
    { device_id: 'd', window_start: '1970-01-01T00:00:00Z', avg_temperature: 22.5, avg_event_duration: 10, num_events: 2 },
    { device_id: 'd', window_start: '1969-12-31T23:59:00Z', avg_temperature: 20, avg_event_duration: 10, num_events: 1 },
    { device_id: 'd', window_start: '1970-01-01T00:01:00Z', avg_temperature: 20, avg_event_duration: 10, num_events: 1 },
  ])
})

test('recompute: the 95th percentile excludes values beyond three sigma and needs 200 readings of a device', () => {
  const durations = [...Array.from({ length: 200 }, (_, n) => n), 100_000]
  const lines = durations.map((event_duration, n) => reading(String(n), n, { event_duration, status: null }))
  const [row] = recomputed('reading', lines).p95ByDevice
  expect(row).toMatchObject({ date: '1970-01-01', group: 'd', num_events: 201, kept: 200 })
  expect(row?.event_duration_p95).toBeCloseTo(189.05, 9)
  expect(recomputed('reading', lines.slice(0, 199)).p95ByDevice).toEqual([])
})

const action = (event_id: string, event_time: string, event_action: string | null) =>
  JSON.stringify({
    event_id,
    user_id: 1,
    app_name: 'a',
    event_action,
    event_category: 'c',
    event_value: null,
    event_time: `2025-12-31 ${event_time}.000000`,
  })

test('recompute: tied favourites are ordered by bytes, and only events before the run count', () => {
  const lines = [
    action('1', '20:59:59', 'b'),
    action('2', '21:00:00', 'a'),
    action('3', '23:59:59', null),
    action('4', '23:00:00', 'b'),
    action('4', '23:00:00', 'b'),
    action('5', '22:00:00', 'a'),
  ]
  expect(recomputed('app_action', lines).userActivity).toEqual([{ user_id: 1, events: 5, favourite_action: 'a' }])
  expect(recomputed('app_action', lines).enrichedActions).toMatchObject(Array(5).fill({ u_count: 4, u_mp_ea: 'a' }))
  expect(recomputed('app_action', lines, '2025-12-31T22:00:00Z').enrichedActions).toMatchObject([
    { event_id: '1', u_count: 2, u_mp_ea: 'a' },
    { event_id: '2', u_count: 2, u_mp_ea: 'a' },
  ])
})

const record = (event_id: string, change: object) =>
  JSON.stringify({
    event_id,
    id: 7,
    email: 'a@x',
    gender: 'male',
    date: '1/2/2020',
    country: 'peru',
    arrived_at: 60_000,
    ...change,
  })

test('recompute: a minute of records, ties ordered by bytes, without invalid dates and countries', () => {
  const lines = [
    record('1', { gender: ' FEMALE', country: " cote  d'IVOIRE" }),
    record('2', { email: ' A@X', arrived_at: 119_999 }),
    record('3', { email: null, date: '29-feb-2000' }),
    record('4', { email: 'b@x', country: 'Åland', date: '2000-2-29 10:00' }),
    record('5', { date: '29/2/1900' }),
    record('6', { country: '  ' }),
  ]
  const expected = recomputed('user_record', lines)
  expect(expected.quarantined).toBe(2)
  expect(expected.countryMinutes).toEqual([
    {
      window_start: '1970-01-01T00:01:00Z',
      events: 4,
      unique_users: 2,
      females: 1,
      most: { count: 2, countries: ['Peru'] },
      least: { count: 1, countries: ["Cote D'ivoire", 'Åland'] },
    },
  ])
})

test.each([
  ['1/12/2020', true],
  ['31-04-2020', false],
  ['1.2.2020', true],
  ['1/2-2020', false],
  ['2020-02-30', false],
  ['2020/2/29T1', true],
  ['2020.2.1', false],
  ['1 Jan 2020', true],
  ['1/Jan/2020', false],
  ['1 Foo 2020', false],
  ['20200101', false],
  ['1/2/20', false],
  ['', false],
])('recompute: the date %s is valid: %s', (date, valid) => {
  expect(recomputed('user_record', [record('1', { date })]).quarantined).toBe(valid ? 0 : 1)
})

test('recompute: the six known interactions have an id, others have none', () => {
  const interaction = (event_id: string, eventType: string, eventValue?: string | null) =>
    JSON.stringify({ event_id, eventType, eventValue })
  const lines = [interaction('1', 'pageview', 'homepage'), interaction('2', 'pageview', 'hover'), interaction('3', 'engagement')]
  expect(recomputed('interaction', lines).interactions).toEqual([
    { event_id: '1', eventType: 'pageview', eventValue: 'homepage', eventId: 'h' },
    { event_id: '2', eventType: 'pageview', eventValue: 'hover', eventId: null },
    { event_id: '3', eventType: 'engagement', eventValue: null, eventId: null },
  ])
})

test('the comparison reports missing, additional, different and duplicate rows', () => {
  const expected = recomputed('page_visit', [visit('1', 10, '/a')])
  const identity = '["page_visit","1","1"]'
  const found = { ...expected, identities: [identity], rawEvents: [identity] }
  expect(differences(expected, found)).toEqual([])
  expect(differences(expected, { ...found, identities: [] })[0]).toMatch(`archive ${identity}: expected`)
  expect(differences(expected, { ...found, rawEvents: [] })[0]).toMatch(`raw events ${identity}: expected`)
  expect(differences(expected, { ...found, quarantined: 1 })).toEqual(['quarantine events: quarantined should be 0 and is 1'])
  expect(differences(expected, { ...found, recentUrls: [{ id: 1, last_5_urls: ['/b'] }] })).toEqual([
    'recent-urls 1: last_5_urls should be ["/a"] and is ["/b"]',
  ])
  const twice = [...expected.recentUrls, ...expected.recentUrls]
  expect(differences(expected, { ...found, recentUrls: twice })).toEqual(['recent-urls: 1 rows are duplicates'])
  const other = { id: 2, last_5_urls: [] }
  expect(differences(expected, { ...found, recentUrls: [...expected.recentUrls, other] })).toEqual([
    'recent-urls 2: is stored but was not expected',
  ])
})

/** The output for 40 steps of work. */
function shownProgress(isTTY: boolean): string[] {
  const written: string[] = []
  const stream = { isTTY, columns: 60, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream
  const progress = showProgress('send x', 40, stream)
  for (let done = 1; done <= 40; done++) progress.at(done, `${done} of 40`)
  progress.done()
  return written
}

test('progress is one line per tenth without a terminal, and a bar that is redrawn on a terminal', () => {
  const lines = shownProgress(false)
  expect(lines).toHaveLength(10)
  expect([lines[0], lines[9]]).toEqual(['send x  10 % 4 of 40\n', 'send x 100 % 40 of 40\n'])
  const drawn = shownProgress(true)
  expect(drawn).toHaveLength(41)
  expect(drawn[19]).toBe(`\r\u001b[2Ksend x ${'█'.repeat(12)}${'░'.repeat(12)}  50 % 20 of 40`)
  expect(drawn.at(-1)).toBe('\n')
})
