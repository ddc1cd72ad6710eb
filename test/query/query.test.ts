import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { checkHealth } from '../../lambdas/query/health.ts'
import type { Search } from '../../lambdas/query/paged-search.ts'
import { planSearch, readProjection } from '../../lambdas/query/projections.ts'
import { readReport } from '../../lambdas/query/reports.ts'
import type { Page } from '../../lambdas/query/response.ts'
import { describeUser } from '../../lambdas/query/users.ts'
import type { PublicationItem } from '../../lambdas/reports/dynamodb.ts'
import { projections, reports } from '../../shared/catalogue.ts'
import { perWindow, projectionKey, type UserWindowProjection } from '../../shared/projection.ts'
import { deviceMinutes } from '../../shared/projections/device-minutes.ts'
import { recentUrls } from '../../shared/projections/recent-urls.ts'
import type { UserItem, WindowItem } from '../../shared/state.ts'
import { searchOver } from '../fakes/search-index.ts'
import { aUserItem } from '../fixtures/builders.ts'
import { eventOf as actionEvent, run as actionRun, reportActions } from '../fixtures/reports/actions.ts'
import { archiveEvents, archiveRows, folderArchive, type Row } from '../fixtures/reports/folder-archive.ts'
import { reportRows } from '../fixtures/reports/report-rows.ts'

const refused = (parameter: string) => ({
  code: 'invalid_request',
  message: expect.stringMatching(new RegExp(`^${parameter} .*\\.$`)),
})

describe('projections', () => {
  const search = (parameters: Record<string, string>, projection: (typeof projections)[number] = deviceMinutes): Search => {
    const planned = planSearch(projection, parameters)
    if ('code' in planned) throw new Error(`refused: ${JSON.stringify(planned)}`)
    return planned
  }

  test('windows are sought newest first, at most 100 unless the query says how many', () => {
    expect(search({})).toEqual({
      index: 'device-minutes',
      size: 101,
      body: { query: { bool: { filter: [] } }, sort: [{ window_start: 'desc' }, { device_id: 'asc' }], track_total_hits: false },
    })
    expect(search({ limit: '1000' }).size).toBe(1001)
  })

  test('from and to are half-open on the start of the window, to the microsecond', () => {
    const bounds = { from: '2026-01-31T12:00:00.000001Z', to: '2026-01-31T15:00:00+02:00' }
    expect(search(bounds).body.query).toEqual({
      bool: { filter: [{ range: { window_start: { gte: '2026-01-31T12:00:01Z', lt: '2026-01-31T13:00:00Z' } } }] },
    })
    expect(search({ to: '1969-12-31T23:59:59.5Z' }).body.query).toEqual({
      bool: { filter: [{ range: { window_start: { lt: '1970-01-01T00:00:00Z' } } }] },
    })
  })

  test('a key is compared as the document holds it', () => {
    expect(search({ key: '7*' }).body.query).toEqual({ bool: { filter: [{ term: { device_id: '7*' } }] } })
    expect(search({ key: '7' }, recentUrls).body.query).toEqual({ bool: { filter: [{ term: { id: 7 } }] } })
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
  ])('a bad %s is refused by its name: %j', (parameter, parameters, projection) => {
    expect(planSearch(projection, parameters)).toMatchObject(refused(parameter))
  })

  test('a key is refused where documents have none', () => {
    const { scope: _scope, where: _where, ...rest } = deviceMinutes
    const allUsers = perWindow({ ...rest, name: 'all-minutes', slots: 1, document: () => ({}), merge: stored => stored })
    expect(planSearch(allUsers, { key: 'd1' })).toMatchObject(refused('key'))
    expect(search({}, allUsers).body.sort).toEqual([{ window_start: 'desc' }])
  })

  test('pages join without gap or repetition, and the last has no cursor', async () => {
    const documents = ['d1', 'd2', 'd3'].map(device_id => ({ device_id, window_start: '2026-01-31T12:00:00Z' }))
    const { client, asked } = searchOver(documents)
    const read = (parameters: Record<string, string>) => readProjection('device-minutes', parameters, client, projections)
    const first = (await read({ limit: '2' })) as Page<object>
    expect(first.data).toEqual(documents.slice(0, 2))
    expect(await read({ limit: '2', cursor: first.cursor ?? '' })).toEqual({ data: documents.slice(2), cursor: null })
    expect(asked.at(-1)?.body.search_after).toEqual(['2026-01-31T12:00:00Z', 'd2'])
  })

  test('an unknown name is not found, also where search is off', async () => {
    expect(await readProjection('no-such', {}, undefined, projections)).toMatchObject({ code: 'not_found' })
    expect(await readProjection('recent-urls', {}, undefined, projections)).toMatchObject({ code: 'search_off' })
  })
})

describe('users', () => {
  const item = (facts: Partial<UserItem> = {}) =>
    aUserItem('7', { version: 10, states: { [projectionKey(recentUrls)]: [{ url: '/a', at: 1 }] }, ...facts })
  const window = (start: number, version: number): WindowItem => ({
    user: '7',
    projection: projectionKey(deviceMinutes),
    start,
    version,
    state: { events: 1, temperature: [20], duration: [10] },
  })
  const windows = (...items: WindowItem[]) => new Map([[deviceMinutes as UserWindowProjection, items]])

  test('a user shows its states and windows as documents', () => {
    expect(describeUser(item(), projections, windows(window(60, 9), window(0, 8)))).toEqual({
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

  test('what is older than the erasure is gone, and a user of nothing else is unknown', () => {
    const erased = item({ states: {}, erasedOrder: 9 })
    expect(describeUser(erased, projections, windows(window(60, 9)))).toBeUndefined()
    expect(describeUser(erased, projections, windows(window(60, 10), window(0, 9)))?.windows['device-minutes']).toHaveLength(1)
  })

  test('a user without anything that a projection shows is known', () => {
    expect(describeUser(item({ states: {} }), projections, windows())).toEqual({ user: '7', states: {}, windows: {} })
  })
})

describe('reports', () => {
  let folder: string
  let published: PublicationItem[]
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
      publicationOf: async (_: string, date: string) => published.find(({ period: of }) => of === date),
    }
    return readReport(name, parameters, { table, bucket: folderArchive(folder) }, reports)
  }

  test('without a date the newest day is shown, by type', async () => {
    const row = { date: '2025-11-26', device_type: 'thermo', num_events: 1000, kept: 1000, mean: 2, event_duration_p95: 4 }
    expect(await read({})).toEqual({ data: [{ ...row, stddev: expect.closeTo(Math.SQRT2, 2) }], cursor: null })
  })

  test('pages follow each other without a gap and end with null', async () => {
    const devices: unknown[] = []
    let cursor: string | null = null
    let pages = 0
    do {
      const answer = await read({ by: 'device', limit: '2', date: '2025-11-26', ...(cursor && { cursor }) })
      if ('code' in answer) throw new Error(answer.message)
      devices.push(...answer.data.map(row => row['device_id']))
      cursor = answer.cursor
      pages++
    } while (cursor)
    expect([pages, devices]).toEqual([3, ['d0', 'd1', 'd2', 'd3', 'd4']])
  })

  test('a day that was not published has no rows', async () => {
    expect(await read({ date: '2020-02-29' })).toEqual({ data: [], cursor: null })
  })

  const cursorTo = (...position: unknown[]) => ({ cursor: Buffer.from(JSON.stringify(position)).toString('base64url') })
  test.each([
    ['date', { date: '2025-02-29' }],
    ['at', { at: '2025-11-26T00:00:00Z' }],
    ['by', { by: 'colour' }],
    ['limit', { limit: '-1' }],
    ['cursor', cursorTo('2025-11-26', '../../events', 0, 1)],
    ['cursor', cursorTo('../../events', '20251126T120000000Z-00000000', 0, 1)],
    ['cursor', cursorTo('2025-11-26', '20251126T120000000Z-00000000', 0, 0.5)],
    ['cursor', cursorTo('2025-11-26', '20251126T120000000Z-00000000', 0, 1)],
  ])('a bad %s is refused by its name: %j', async (parameter, parameters) => {
    expect(await read(parameters)).toMatchObject(refused(parameter))
  })

  describe('as of instants', () => {
    const [noon, later] = ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.500000Z'] as const
    let actions: string
    let publication: PublicationItem
    beforeAll(async () => {
      actions = await mkdtemp(path.join(tmpdir(), 'millrace-query-'))
      const times = ['0001-01-01T00:00:00.000001Z', '2026-01-31T11:00:00Z', '2026-01-31T11:00:00.25Z', '2026-01-31T11:00:01Z']
      const events = times.map((time, n) => actionEvent({ event_id: `e${n}`, time, app_name: '\u{FEFF}app', event_value: null }))
      await archiveEvents(actions, 'events/dt=2026-01-31/hour=12/a.parquet', events)
      publication = (await reportActions(actions, noon, 2)).publication
    })
    afterAll(() => rm(actions, { recursive: true }))

    const ask = (parameters: Record<string, string>) => {
      const table = {
        newest: async () => publication,
        publicationOf: async (_: string, of: string) => [publication].find(one => one.period === of),
      }
      return readReport('enriched-actions', parameters, { table, bucket: folderArchive(actions) }, reports)
    }

    test('without an instant the newest is shown, and the instant in any time zone', async () => {
      const first = { event_time: '0001-01-01T00:00:00.000001Z', user_id: 1, app_name: '\u{FEFF}app', event_action: 'scroll' }
      const row = { ...first, event_category: 'category_1', event_value: null, u_count: 3, u_mp_ea: 'scroll', event_id: 'e0' }
      const answer = await ask({})
      expect(answer).toEqual({ data: expect.arrayContaining([row]), cursor: null })
      expect(await ask({ at: '2026-01-31T13:00:00+01:00' })).toEqual(answer)
    })

    test.each([1, 2, 3, 4])('pages of %d rows go through the parts without a gap and end with null', async limit => {
      const pages: unknown[][] = []
      let cursor: string | null = null
      do {
        const answer = await ask({ at: noon, limit: String(limit), ...(cursor && { cursor }) })
        if ('code' in answer) throw new Error(answer.message)
        pages.push(answer.data.map(row => row['event_id']))
        cursor = answer.cursor
      } while (cursor)
      expect(pages.flat()).toEqual(['e0', 'e1', 'e2', 'e3'])
      expect(pages).toHaveLength(Math.ceil(4 / limit))
    })

    test('an instant that was not published has no rows', async () => {
      expect(await ask({ at: later })).toEqual({ data: [], cursor: null })
    })

    test.each([
      ['at', { at: 'noon' }],
      ['date', { date: '2026-01-31' }],
      ['by', { by: 'type' }],
      ['cursor', { at: later, ...cursorTo(noon, actionRun, 0, 1) }],
      ['cursor', cursorTo(noon, actionRun, 7, 0)],
      ['cursor', cursorTo(noon, actionRun, -1, 0)],
    ])('a bad %s is refused by its name: %j', async (parameter, parameters) => {
      expect(await ask(parameters)).toMatchObject(refused(parameter))
    })
  })

  test('an unknown report is not found', async () => {
    expect(await read({}, 'no-such')).toMatchObject({ code: 'not_found' })
  })
})

describe('health', () => {
  test('a store that answers late or with an error is unreachable, the others are told apart', async () => {
    const probes = {
      good: async () => ({ any: 'thing' }),
      behind: async () => 30,
      broken: async () => Promise.reject(new Error('down')),
      silent: () => new Promise(() => {}),
    }
    expect(await checkHealth(probes, 50)).toEqual({
      ok: false,
      stores: {
        good: { reachable: true, lagSeconds: null },
        behind: { reachable: true, lagSeconds: 30 },
        broken: { reachable: false, lagSeconds: null },
        silent: { reachable: false, lagSeconds: null },
      },
    })
  })
})
