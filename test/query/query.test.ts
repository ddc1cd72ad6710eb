import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { cachedFor, checkHealth } from '../../lambdas/query/health.ts'
import type { Search } from '../../lambdas/query/paged-search.ts'
import { writeCursor } from '../../lambdas/query/parameters.ts'
import { planSearch, readProjection } from '../../lambdas/query/projections.ts'
import { readReport, reportedUntil } from '../../lambdas/query/reports.ts'
import { describeUser, queryUser, readUser } from '../../lambdas/query/users.ts'
import type { PublicationItem } from '../../lambdas/reports/dynamodb.ts'
import { projections, reports } from '../../shared/catalogue.ts'
import type { WindowItem } from '../../shared/grains/user-window.ts'
import { perWindow } from '../../shared/grains/window.ts'
import type { Page } from '../../shared/http.ts'
import { type Projection, projectionKey } from '../../shared/projection.ts'
import { deviceMinutes } from '../../shared/projections/device-minutes.ts'
import { recentUrls } from '../../shared/projections/recent-urls.ts'
import { durationP95 } from '../../shared/reports/duration-p95.ts'
import type { ItemKey, UserItem } from '../../shared/state.ts'
import { windowInstant } from '../../shared/time.ts'
import { searchOver } from '../fakes/search-index.ts'
import { aUserItem } from '../fixtures/builders.ts'
import { eventOf as actionEvent, run as actionRun, reportActions } from '../fixtures/reports/actions.ts'
import { archiveEvents, archiveRows, folderArchive, type Row } from '../fixtures/reports/folder-archive.ts'
import { reportRows } from '../fixtures/reports/report-rows.ts'

const NOW = Date.parse('2026-01-31T12:00:00.5Z')
/** Windows that start more than 24 hours after NOW. */
const FUTURE = { range: { window_start: { gt: '2026-02-01T12:00:00Z' } } }

const rejected = (parameter: string) => ({
  code: 'invalid_request',
  message: expect.stringMatching(new RegExp(`^${parameter} .*\\.$`)),
})

describe('projections', () => {
  const search = (parameters: Record<string, string>, projection: (typeof projections)[number] = deviceMinutes): Search => {
    const planned = planSearch(projection, parameters, NOW)
    if ('code' in planned) throw new Error(`rejected: ${JSON.stringify(planned)}`)
    return planned
  }

  test('the search sorts windows newest first and returns 100 by default', () => {
    expect(search({})).toEqual({
      index: 'device-minutes',
      size: 101,
      body: {
        query: { bool: { filter: [], must_not: [FUTURE] } },
        sort: [{ window_start: 'desc' }, { device_id: 'asc' }],
        track_total_hits: false,
      },
    })
    expect(search({ limit: '1000' }).size).toBe(1001)
  })

  test('from and to select window starts in a half-open range, to the microsecond', () => {
    const bounds = { from: '2026-01-31T12:00:00.000001Z', to: '2026-01-31T15:00:00+02:00' }
    expect(search(bounds).body.query).toEqual({
      bool: { filter: [{ range: { window_start: { gte: '2026-01-31T12:00:01Z', lt: '2026-01-31T13:00:00Z' } } }] },
    })
    expect(search({ to: '1969-12-31T23:59:59.5Z' }).body.query).toEqual({
      bool: { filter: [{ range: { window_start: { lt: '1970-01-01T00:00:00Z' } } }] },
    })
  })

  test('an offset whose plus sign arrived as a space is understood, and no bound is after the year 9999', () => {
    const bounds = { from: '2026-01-31T15:00:00.5 02:00', to: '9999-12-31T23:59:59.5Z' }
    expect(search(bounds).body.query).toEqual({
      bool: { filter: [{ range: { window_start: { gte: '2026-01-31T13:00:01Z', lt: '9999-12-31T23:59:59.999999Z' } } }] },
    })
  })

  test('the key filter has the type of the key field', () => {
    expect(search({ key: '7*' }).body.query.bool.filter).toEqual([{ term: { device_id: '7*' } }])
    expect(search({ key: '7' }, recentUrls).body.query).toEqual({ bool: { filter: [{ term: { id: 7 } }] } })
    for (const key of ['01', '-0', '7.0', ' 7', ''])
      expect(search({ key }, recentUrls).body.query).toEqual({ bool: { filter: [{ match_none: {} }] } })
    expect(search({ key: 'seven' }, recentUrls).body.query).toEqual({ bool: { filter: [{ match_none: {} }] } })
    expect(search({ key: '9007199254740993' }, recentUrls).body.query).toEqual({ bool: { filter: [{ match_none: {} }] } })
  })

  test.each([
    ['limit', { limit: '0' }, deviceMinutes],
    ['limit', { limit: '1001' }, deviceMinutes],
    ['limit', { limit: '1e2' }, deviceMinutes],
    ['from', { from: 'yesterday' }, deviceMinutes],
    ['to', { to: '2026-02-30T00:00:00Z' }, deviceMinutes],
    ['from', { from: '2026-01-31T12:00:00Z' }, recentUrls],
    ['to', { to: '2026-01-31T12:00:00Z' }, recentUrls],
    ['cursor', { cursor: 'made up' }, deviceMinutes],
    ['cursor', { cursor: Buffer.from('{"a":1}').toString('base64url') }, deviceMinutes],
    ['cursor', { cursor: Buffer.from('[1,"d1"]').toString('base64url') }, deviceMinutes],
  ])('the rejection of a bad %s names it: %j', (parameter, parameters, projection) => {
    expect(planSearch(projection, parameters, NOW)).toMatchObject(rejected(parameter))
  })

  test('a key is rejected when the documents have none', () => {
    const { grain: _grain, ...rest } = deviceMinutes
    const allUsers = perWindow({
      ...rest,
      name: 'all-minutes',
      slots: 1,
      document: () => ({}),
      merge: (stored: unknown) => stored,
    })
    expect(planSearch(allUsers, { key: 'd1' }, NOW)).toMatchObject(rejected('key'))
    expect(search({}, allUsers).body.sort).toEqual([{ window_start: 'desc' }])
  })

  test('pages follow each other without a gap or a repetition, and the last one has no cursor', async () => {
    const documents = ['d1', 'd2', 'd3'].map(device_id => ({ device_id, window_start: '2026-01-31T12:00:00Z' }))
    const { client, requests } = searchOver(documents)
    const read = (parameters: Record<string, string>) => readProjection('device-minutes', parameters, client, projections, NOW)
    const first = (await read({ limit: '2' })) as Page<object>
    expect(first.data).toEqual(documents.slice(0, 2))
    expect(await read({ limit: '2', cursor: first.cursor ?? '' })).toEqual({ data: documents.slice(2), cursor: null })
    expect(requests.at(-1)?.body.search_after).toEqual(['2026-01-31T12:00:00Z', 'd2'])
  })

  test('windows of the future are on no page without from and to, and on every page with them', async () => {
    const starts = ['9999-12-31T23:59:00Z', '2026-02-01T12:00:01Z', '2026-02-01T12:00:00Z', '2026-01-31T12:00:00Z']
    const { client } = searchOver(starts.map(window_start => ({ device_id: 'd1', window_start })))
    const read = async (parameters: Record<string, string>) => {
      const found: unknown[] = []
      let cursor: string | null = null
      do {
        const page = await readProjection(
          'device-minutes',
          { limit: '1', ...parameters, ...(cursor && { cursor }) },
          client,
          projections,
          NOW + found.length,
        )
        if ('code' in page) throw new Error(page.message)
        found.push(...page.data.map(row => row['window_start']))
        cursor = page.cursor
      } while (cursor)
      return found
    }
    expect(await read({})).toEqual(starts.slice(2))
    expect(await read({ key: 'd1' })).toEqual(starts.slice(2))
    expect(await read({ from: '0001-01-01T00:00:00Z' })).toEqual(starts)
    expect(await read({ to: '9999-12-31T23:59:59Z' })).toEqual(starts)
  })

  test('a document without the field that sorts its page is a bug, not the end of the pages', async () => {
    const { client } = searchOver(['d1', 'd2'].map(device_id => ({ device_id })))
    const read = readProjection('device-minutes', { limit: '1' }, client, projections, NOW)
    await expect(read).rejects.toThrow('A document has no string in window_start, by which its page is sorted.')
  })

  test('an unknown name gives not_found, and a known name gives search_off when search is off', async () => {
    expect(await readProjection('no-such', {}, undefined, projections, NOW)).toMatchObject({ code: 'not_found' })
    expect(await readProjection('recent-urls', {}, undefined, projections, NOW)).toMatchObject({ code: 'search_off' })
  })
})

describe('users', () => {
  const item = (facts: Partial<UserItem> = {}) =>
    aUserItem('7', { version: 10, states: { [projectionKey(recentUrls)]: [{ url: '/a', at: 1 }] }, ...facts })
  const window = (start: number, version: number): WindowItem => ({
    kind: 'window',
    user: '7',
    projection: projectionKey(deviceMinutes),
    start,
    version,
    state: { events: 1, temperature: [20], duration: [10] },
  })
  const windows = (...items: WindowItem[]) => new Map<Projection, WindowItem[]>([[deviceMinutes, items]])

  test('the states and windows of a user are returned as documents', () => {
    expect(describeUser(item(), projections, windows(window(60, 9), window(0, 8))).view).toEqual({
      user: '7',
      states: { 'recent-urls': { id: 7, last_5_urls: ['/a'] } },
      windows: {
        'device-minutes': [60, 0].map(start => ({
          device_id: '7',
          window_start: `1970-01-01T00:0${start / 60}:00Z`,
          avg_temperature: 20,
          avg_event_duration: 10,
          num_events: 1,
        })),
      },
    })
  })

  test('data older than the erasure is hidden, and a user without newer data is unknown', () => {
    const erased = item({ states: {}, erasedOrder: 9 })
    expect(describeUser(erased, projections, windows(window(60, 9))).view).toBeUndefined()
    expect(describeUser(erased, projections, windows(window(60, 10), window(0, 9))).view?.windows['device-minutes']).toHaveLength(
      1,
    )
  })

  test('a user without any document is known', () => {
    expect(describeUser(item({ states: {} }), projections, windows()).view).toEqual({ user: '7', states: {}, windows: {} })
  })

  test('a user whose events were all rejected is unknown', () => {
    expect(describeUser(item({ states: {}, ttl: 9 }), projections, windows()).view).toBeUndefined()
    expect(describeUser(item({ ttl: 9 }), projections, windows()).view).toBeDefined()
  })

  const asked = async (parameters: Record<string, string>, user = '7') => {
    const ranges: object[] = []
    const result = await queryUser(user, parameters, Date.parse('2026-01-31T12:00:00Z'), async (_, range) => {
      ranges.push(range)
      return undefined
    })
    return { result, ranges }
  }

  test.each([
    [{}, '0001-01-01T00:00:00Z', '2026-02-01T12:00:00Z'],
    [{ to: '2026-01-31T12:00:00Z' }, '0001-01-01T00:00:00Z', '2026-01-31T11:59:59Z'],
    [{ from: '2036-01-01T00:00:00Z' }, '2036-01-01T00:00:00Z', '9999-12-31T23:59:59Z'],
    [{ from: '2026-01-31T12:00:00Z', to: '2026-01-31T13:00:00 01:00' }, '2026-01-31T12:00:00Z', '2026-01-31T11:59:59Z'],
  ])('%j reads the windows that start from %s to %s, both included', async (parameters, from, to) => {
    expect((await asked(parameters)).ranges).toEqual([{ from, to }])
  })

  test('windows of a clock that is ten years ahead hide no others, and are returned on request', async () => {
    const starts = Array.from({ length: 101 }, (_, i) => 2_085_978_480 + 60 * i)
    const keys = [1_769_860_800, ...starts].map(start => ({ start, key: windowInstant(start) }))
    const table = {
      readUser: async () => item(),
      partsBelow: async (_: ItemKey, limit = 0, { from = '', to = '' } = {}) =>
        keys
          .filter(({ key }) => key >= from && key <= to)
          .sort((a, b) => b.start - a.start)
          .slice(0, limit)
          .map(({ start }) => window(start, 9)),
    }
    const read = (parameters: Record<string, string>) =>
      queryUser('7', parameters, 1_769_860_900_000, (id, range) =>
        readUser(id, table, projections, { annotate: () => undefined }, range),
      )
    const startsOf = (result: object) =>
      'windows' in result ? (result.windows as Record<string, { window_start: string }[]>)['device-minutes']?.length : result
    expect(startsOf(await read({}))).toBe(1)
    expect(startsOf(await read({ from: '2036-01-01T00:00:00Z' }))).toBe(100)
  })

  test('a wrong bound is rejected by name, and an id that no user can have gives not_found without a read', async () => {
    expect((await asked({ from: 'soon' })).result).toMatchObject(rejected('from'))
    for (const id of ['', 'x'.repeat(129), 'x'.repeat(4000)])
      expect(await asked({}, id)).toMatchObject({ result: { code: 'not_found' }, ranges: [] })
    expect((await asked({}, '😀'.repeat(128))).ranges).toHaveLength(1)
  })

  test('a document that cannot be made is left out, with its reason', () => {
    const broken: Projection = Object.assign({ ...deviceMinutes }, { document: () => JSON.parse('no') })
    const parts = new Map([[broken, [window(60, 9), window(0, 8)]]])
    const { view, failures } = describeUser(item(), projections, parts)
    expect(view).toEqual({ user: '7', states: { 'recent-urls': { id: 7, last_5_urls: ['/a'] } }, windows: {} })
    expect(failures).toEqual([expect.stringContaining('device-minutes-r1 could not be made: SyntaxError')])
  })

  test.each([
    ['rising', [1, 2]],
    ['falling', [2, 1]],
  ])('of two revisions, the greatest is returned: order in the catalogue %s', async (_, order) => {
    const read: string[] = []
    const table = {
      readUser: async () => item({ states: {} }),
      partsBelow: async ({ sk }: ItemKey) => {
        read.push(sk)
        return []
      },
    }
    const revisions = order.map(revision => ({ ...deviceMinutes, revision }))
    await readUser('7', table, revisions, { annotate: () => undefined })
    expect(read).toEqual(['window#device-minutes-r2#'])
  })
})

describe('reports', () => {
  let folder: string
  let published: readonly PublicationItem[]
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'millrace-query-'))
    const rows = Array.from(
      { length: 1000 },
      (_, n): Row => ({ timestamp: 1_764_158_400, event_duration: n % 5, device_id: `d${n % 5}` }),
    )
    await archiveRows(folder, 'events/dt=2025-11-26/hour=12/a.parquet', rows)
    published = (await reportRows(folder, 'every day')).publications
  })
  afterAll(() => rm(folder, { recursive: true }))

  const read = (parameters: Record<string, string>, name = 'duration-p95') => {
    const table = {
      newest: async () => published.at(-1),
      publicationOf: async (_: string, date: string) => published.find(({ period }) => period === date),
    }
    return readReport(name, parameters, { table, bucket: folderArchive(folder) }, reports, NOW)
  }

  test('the newest day and the table by type are the defaults', async () => {
    const row = { date: '2025-11-26', device_type: 'thermo', num_events: 1000, kept: 1000, mean: 2, event_duration_p95: 4 }
    expect(await read({})).toEqual({ data: [{ ...row, stddev: expect.closeTo(Math.SQRT2, 2) }], cursor: null })
  })

  test('pages follow each other without a gap, and the last cursor is null', async () => {
    const devices: unknown[] = []
    let cursor: string | null = null
    let pages = 0
    do {
      const page = await read({ by: 'device', limit: '2', date: '2025-11-26', ...(cursor && { cursor }) })
      if ('code' in page) throw new Error(page.message)
      devices.push(...page.data.map(row => row['device_id']))
      cursor = page.cursor
      pages++
    } while (cursor)
    expect([pages, devices]).toEqual([3, ['d0', 'd1', 'd2', 'd3', 'd4']])
  })

  test('arrivals are reported up to the earliest time of the daily reports, and a daily report that never ran has none', async () => {
    const until = (times: Readonly<Record<string, number>>) =>
      reportedUntil({ arrivalsUntil: async name => times[name] }, [...reports, { ...durationP95, name: 'other' }])
    expect(await until({ 'duration-p95': 2000, other: 1000 })).toBe(1000)
    expect(await until({ 'duration-p95': 2000, 'enriched-actions': 1000 })).toBeUndefined()
    expect(await reportedUntil({ arrivalsUntil: async () => undefined }, [])).toBeUndefined()
  })

  test('a day that was not published gives an empty page', async () => {
    expect(await read({ date: '2020-02-29' })).toEqual({ data: [], cursor: null })
  })

  const cursorTo = (...position: (string | number)[]) => ({ cursor: writeCursor(position, ['reports', 'duration-p95', 'type']) })
  test.each([
    ['date', { date: '2025-02-29' }],
    ['at', { at: '2025-11-26T00:00:00Z' }],
    ['by', { by: 'colour' }],
    ['limit', { limit: '-1' }],
    ['cursor', cursorTo('2025-11-26', '../../events', 0, 1)],
    ['cursor', cursorTo('../../events', '20251126T120000000Z-00000000', 0, 1)],
    ['cursor', cursorTo('2025-11-26', '20251126T120000000Z-00000000', 0, 0.5)],
    ['cursor', cursorTo('2025-11-26', '20251126T120000000Z-00000000', 0, 1)],
  ])('the rejection of a bad %s names it: %j', async (parameter, parameters) => {
    expect(await read(parameters)).toMatchObject(rejected(parameter))
  })

  describe('of instants', () => {
    const [noon, later] = ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.500000Z'] as const
    let actions: string
    let publication: PublicationItem
    beforeAll(async () => {
      actions = await mkdtemp(path.join(tmpdir(), 'millrace-query-'))
      const times = ['0001-01-01T00:00:00.000001Z', '2026-01-31T11:00:00Z', '2026-01-31T11:00:00.25Z', '2026-01-31T11:00:01Z']
      const events = times.map((time, n) => actionEvent({ event_id: `e${n}`, time, app_name: '\u{FEFF}app', event_value: null }))
      await archiveEvents(actions, 'events/dt=2026-01-31/hour=12/a.parquet', events)
      publication = (await reportActions(actions, noon, { rowsPerPart: 2 })).publication
    })
    afterAll(() => rm(actions, { recursive: true }))

    const actionsCursorTo = (...position: (string | number)[]) => ({
      cursor: writeCursor(position, ['reports', 'enriched-actions']),
    })
    const readInstant = (parameters: Record<string, string>) => {
      const table = {
        newest: async () => publication,
        publicationOf: async (_: string, period: string) => [publication].find(one => one.period === period),
      }
      return readReport('enriched-actions', parameters, { table, bucket: folderArchive(actions) }, reports, NOW)
    }

    test('the newest instant is the default, and an instant may be given in any time zone', async () => {
      const first = { event_time: '0001-01-01T00:00:00.000001Z', user_id: 1, app_name: '\u{FEFF}app', event_action: 'scroll' }
      const row = { ...first, event_category: 'category_1', event_value: null, u_count: 3, u_mp_ea: 'scroll', event_id: 'e0' }
      const newest = await readInstant({})
      expect(newest).toEqual({ data: expect.arrayContaining([row]), cursor: null })
      expect(await readInstant({ at: '2026-01-31T13:00:00+01:00' })).toEqual(newest)
      expect(await readInstant({ at: '2026-01-31T13:00:00 01:00' })).toEqual(newest)
    })

    test.each([1, 2, 3, 4])('pages of %d rows continue across the parts, and the last cursor is null', async limit => {
      const pages: unknown[][] = []
      let cursor: string | null = null
      do {
        const page = await readInstant({ at: noon, limit: String(limit), ...(cursor && { cursor }) })
        if ('code' in page) throw new Error(page.message)
        pages.push(page.data.map(row => row['event_id']))
        cursor = page.cursor
      } while (cursor)
      expect(pages.flat()).toEqual(['e0', 'e1', 'e2', 'e3'])
      expect(pages).toHaveLength(Math.ceil(4 / limit))
    })

    test('an instant that was not published gives an empty page', async () => {
      expect(await readInstant({ at: later })).toEqual({ data: [], cursor: null })
    })

    test.each([
      ['at', { at: 'noon' }],
      ['date', { date: '2026-01-31' }],
      ['by', { by: 'type' }],
      ['cursor', { at: later, ...actionsCursorTo(noon, actionRun, 0, 1) }],
      ['cursor', actionsCursorTo(noon, actionRun, 7, 0)],
      ['cursor', cursorTo(noon, actionRun, 0, 1)],
      ['cursor', actionsCursorTo(noon, actionRun, -1, 0)],
    ])('the rejection of a bad %s names it: %j', async (parameter, parameters) => {
      expect(await readInstant(parameters)).toMatchObject(rejected(parameter))
    })
  })

  test('an unknown report gives not_found', async () => {
    expect(await read({}, 'no-such')).toMatchObject({ code: 'not_found' })
  })
})

describe('health', () => {
  test('the stores are asked at most once in the time, also by requests that wait for the same answer; a failure is not kept', async () => {
    let asked = 0
    let now = 0
    const read = cachedFor(
      5000,
      async () => {
        asked += 1
        if (asked === 3) throw new Error('down')
        return asked
      },
      () => now,
    )
    expect(await Promise.all([read(), read()])).toEqual([1, 1])
    now = 4999
    expect(await read()).toBe(1)
    now = 5000
    expect(await read()).toBe(2)
    now = 10_000
    await expect(read()).rejects.toThrow('down')
    expect(await read()).toBe(4)
  })

  test('a store that responds late or with an error is unreachable; the other stores are not affected', async () => {
    const probes = {
      healthy: async () => ({ any: 'thing' }),
      behind: async () => 30,
      broken: async () => Promise.reject(new Error('down')),
      hanging: () => new Promise(() => {}),
    }
    expect(await checkHealth(probes, 50)).toEqual({
      ok: false,
      stores: {
        healthy: { reachable: true, lagSeconds: null },
        behind: { reachable: true, lagSeconds: 30 },
        broken: { reachable: false, lagSeconds: null },
        hanging: { reachable: false, lagSeconds: null },
      },
    })
  })
})
