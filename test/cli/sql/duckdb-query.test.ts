import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Query } from '../../../cli/sql/sql-engine.ts'
import { fieldsOf } from '../../../cli/sql/views.ts'
import type { Event } from '../../../shared/event.ts'
import { defineEvent, type EventType, type Fields, text } from '../../../shared/event-type.ts'
import { appAction } from '../../../shared/events/app-action.ts'
import { parseInstant } from '../../../shared/time.ts'
import { onCompactedCopy } from '../../fixtures/reports/compaction.ts'
import { archiveEvents } from '../../fixtures/reports/folder-archive.ts'
import { rowsOfJson, runOverFolder } from '../../fixtures/sql.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-sql-archive-'))
})
afterEach(() => rm(folder, { recursive: true }))

const object = (dt: string, name: string): string => `events/dt=${dt}/hour=12/${name}.parquet`

function eventOf(id: string, arrival: string, more: Partial<Event> = {}): Event {
  const time = parseInstant(arrival) ?? 0n
  const received = Number(time / 1000n)
  return { id, source: 'shop', type: 'order', subject: 'u1', time, received, data: { country: 'Peru', total: 5 }, ...more }
}

const visit = (id: string, arrival: string, Url: string): Event =>
  eventOf(id, arrival, { type: 'page_visit', subject: '7', data: { Id: 7, Url, Timestamp: 1_767_960_000, extra: 'kept' } })

/** Three days. `a` arrives twice on the first and again on the second; `b` arrives in two objects of the second day. */
async function archiveThreeDays(): Promise<void> {
  await archiveEvents(folder, object('2026-01-05', '1'), [
    eventOf('a', '2026-01-05T12:00:00.000001Z'),
    eventOf('a', '2026-01-05T12:00:01Z', { data: { country: 'Chad' } }),
    visit('v1', '2026-01-05T12:00:02Z', '/a'),
  ])
  await archiveEvents(folder, object('2026-01-06', '1'), [
    eventOf('a', '2026-01-06T12:00:00Z', { data: { country: 'Chad' } }),
    eventOf('b', '2026-01-06T12:00:01Z', { data: { country: 'Chad', total: 7 } }),
  ])
  await archiveEvents(folder, object('2026-01-06', '2'), [
    eventOf('b', '2026-01-06T12:00:00Z', { data: { country: 'Peru', total: 9 } }),
    eventOf('b', '2026-01-06T12:00:00Z', { source: 'other', subject: null, data: null }),
  ])
  await archiveEvents(
    folder,
    object('2026-01-07', '1'),
    [visit('v2', '2026-01-07T12:00:00Z', '/b')],
    ['key_id', 'page_visit_url'],
  )
}

const rowsOf = async (query: Partial<Query> & { sql: string }): Promise<unknown> =>
  rowsOfJson((await runOverFolder(folder, query)).printed)

/** The rows of the archive, which are the same once it is compacted. */
async function rowsOfBoth(query: Partial<Query> & { sql: string }): Promise<unknown> {
  const rows = await rowsOf(query)
  await onCompactedCopy(folder, async copy => {
    expect(rowsOfJson((await runOverFolder(copy, query)).printed)).toEqual(rows)
  })
  return rows
}

test('each identity is one row, its first arrival, raw and compacted', async () => {
  await archiveThreeDays()
  const sql = `SELECT event_id, event_type, source, subject, received_time, dt, (data->>'$.country') AS country FROM events ORDER BY ALL`
  expect(await rowsOfBoth({ sql, all: true })).toEqual(
    [
      ['a', 'order', 'shop', 'u1', '2026-01-05T12:00:00Z', '2026-01-05', 'Peru'],
      ['b', 'order', 'other', null, '2026-01-06T12:00:00Z', '2026-01-06', null],
      ['b', 'order', 'shop', 'u1', '2026-01-06T12:00:00Z', '2026-01-06', 'Peru'],
      ['v1', 'page_visit', 'shop', '7', '2026-01-05T12:00:02Z', '2026-01-05', null],
      ['v2', 'page_visit', 'shop', '7', '2026-01-07T12:00:00Z', '2026-01-07', null],
    ].map(([event_id, event_type, source, subject, received_time, dt, country]) => ({
      event_id,
      event_type,
      source,
      subject,
      received_time,
      dt,
      country,
    })),
  )
})

test('a catalogued type has a view with typed columns, which are null in objects without them', async () => {
  await archiveThreeDays()
  const sql = `SELECT event_time, key_id, id + 1 AS next, Url, "timestamp", data->>'$.extra' AS extra FROM page_visit ORDER BY event_time`
  expect(await rowsOfBoth({ sql, all: true })).toEqual([
    { event_time: '2026-01-05T12:00:02Z', key_id: null, next: 8, Url: '/a', Timestamp: 1_767_960_000, extra: 'kept' },
    { event_time: '2026-01-07T12:00:00Z', key_id: null, next: 8, Url: null, Timestamp: 1_767_960_000, extra: 'kept' },
  ])
})

test('times have their microseconds, and integers all their digits', async () => {
  await archiveEvents(folder, object('2026-01-05', '1'), [
    eventOf('a', '2026-01-05T12:00:00.000001Z', {
      type: 'app_action',
      data: { user_id: 1, app_name: 'x', event_value: 5, event_category: 'c' },
    }),
  ])
  const { printed } = await runOverFolder(folder, {
    sql: 'SELECT event_time, sum(event_value + 9007199254740988) AS big, 0.1::DECIMAL(30, 20) AS exact, [9007199254740993] AS list FROM app_action GROUP BY ALL',
    all: true,
  })
  expect(printed).toBe(
    '{"columns":[{"name":"event_time","type":"TIMESTAMP"},{"name":"big","type":"HUGEINT"},{"name":"exact","type":"DECIMAL(30,20)"},{"name":"list","type":"BIGINT[]"}],"rows":[\n' +
      '["2026-01-05T12:00:00.000001Z",9007199254740993,0.10000000000000000000,[9007199254740993]]]}\n',
  )
})

test('only the objects of the days that are asked for are downloaded, and of compacted days no repetitions and no objects without the type', async () => {
  await archiveThreeDays()
  const sql = 'SELECT count(*) AS events FROM events'
  const keysOf = async (query: Partial<Query>) => (await runOverFolder(folder, { sql, ...query })).downloads.toSorted()
  const [first, second, third, last] = [
    object('2026-01-05', '1'),
    object('2026-01-06', '1'),
    object('2026-01-06', '2'),
    object('2026-01-07', '1'),
  ]
  expect(await keysOf({ all: true })).toEqual([first, second, third, last])
  expect(await keysOf({ days: { from: '2026-01-06' } })).toEqual([second, third, last])
  expect(await keysOf({ days: { from: '2026-01-06', to: '2026-01-06' } })).toEqual([second, third])
  expect(await keysOf({ sql: `${sql} WHERE dt < '2026-01-06'` })).toEqual([first])
  expect(await keysOf({ sql: `${sql} WHERE dt >= '2026-01-06'`, days: { to: '2026-01-06' } })).toEqual([second, third])
  expect(await keysOf({ sql: `${sql} WHERE dt = '2026-01-06'`, days: { to: '2026-01-05' } })).toEqual([])
  expect(await keysOf({ sql: 'DESCRIBE events' })).toEqual([])
  await onCompactedCopy(folder, async copy => {
    const { downloads, printed } = await runOverFolder(copy, { sql, days: { from: '2026-01-05', to: '2026-01-06' } })
    expect(downloads.map(key => key.replace(/\/\d{8}T\d+Z-[0-9a-f]+\//, '/RUN/')).toSorted()).toEqual([
      'archive/dt=2026-01-05/RUN/00000.parquet',
      'archive/dt=2026-01-06/RUN/00000.parquet',
    ])
    expect(rowsOfJson(printed)).toEqual([{ events: 4 }])
    const visits = await runOverFolder(copy, { sql: 'SELECT count(*) AS visits FROM page_visit', all: true })
    expect(visits.downloads.map(key => key.split('/')[1]).toSorted()).toEqual(['dt=2026-01-05', 'dt=2026-01-07'])
    expect(rowsOfJson(visits.printed)).toEqual([{ visits: 2 }])
  })
})

test('a day that a comparison of dt leaves out has no rows, wherever the comparison is', async () => {
  await archiveThreeDays()
  const count = (condition: string) => rowsOfBoth({ sql: `SELECT count(*) AS events FROM events WHERE ${condition}`, all: true })
  expect(await count("dt > '2026-01-05'")).toEqual([{ events: 4 }])
  expect(await count("dt > '2026-01-05' OR false")).toEqual([{ events: 3 }])
  expect(await count("dt = '2026-01-07'")).toEqual([{ events: 1 }])
})

test('a query that nothing bounds says what it would read, and reads nothing', async () => {
  await archiveThreeDays()
  const query = { sql: "SELECT * FROM events WHERE event_time > '2026-01-05'" }
  await expect(runOverFolder(folder, query)).rejects.toThrow(
    /^The query reads all days: 4 objects with \d+ KB\. Bound them with --from and --to, .* or add --all\.$/,
  )
})

test('an archive without events has all views, and nothing has to be bounded', async () => {
  expect(await rowsOf({ sql: 'SELECT count(*) AS n FROM events' })).toEqual([{ n: 0 }])
  expect(await rowsOf({ sql: 'SELECT id, url FROM page_visit' })).toEqual([])
})

test('progress says how many objects and bytes are there', async () => {
  await archiveThreeDays()
  const { progress } = await runOverFolder(folder, { sql: 'FROM events', all: true })
  expect(progress).toMatch(/fetching 100 % 4 of 4 objects, (\d+) KB of \1 KB\n$/)
})

test('what clients sent reaches a table and JSON escaped; a table shows the first rows and the beginning of a text', async () => {
  const hostile = '\u001b[31mred\u0007\u202e\n'
  await archiveEvents(folder, object('2026-01-05', '1'), [
    eventOf(hostile, '2026-01-05T12:00:00Z', { data: { long: 'x'.repeat(200) } }),
  ])
  const table = (await runOverFolder(folder, { sql: `SELECT event_id, data FROM events`, all: true }, 'table')).printed
  expect(table).toBe(
    `event_id                     data\n\\u001b[31mred\\u0007\\u202e\\n  ${`{"long":"${'x'.repeat(51)}`}…\n1 row\n`,
  )
  const json = (await runOverFolder(folder, { sql: `SELECT event_id, [event_id] AS "l\u001b" FROM events`, all: true })).printed
  expect(json).toBe(
    '{"columns":[{"name":"event_id","type":"VARCHAR"},{"name":"l\\u001b","type":"VARCHAR[]"}],"rows":[\n' +
      '["\\u001b[31mred\\u0007\\u202e\\n",["\\u001b[31mred\\u0007\\u202e\\n"]]]}\n',
  )
  const many = (await runOverFolder(folder, { sql: 'SELECT * FROM range(1234)' }, 'table')).printed.split('\n')
  expect(many.slice(-3)).toEqual(['   99', '… and 1,134 more rows; print all of them with --csv or --json.', ''])
  expect((await runOverFolder(folder, { sql: 'SELECT * FROM range(0)' }, 'table')).printed).toBe('range\n0 rows\n')
})

test('CSV is safe for spreadsheets, with numbers as numbers', async () => {
  await archiveEvents(folder, object('2026-01-05', '1'), [
    eventOf('=1+1', '2026-01-05T12:00:00.5Z', { subject: 'a "b",\n' }),
    eventOf('@x', '2026-01-05T12:00:01Z', { subject: null }),
  ])
  const sql = `SELECT event_id, subject, event_time, dt, -1 AS n, -1.50::DECIMAL(5, 2) AS d, ['=a'] AS list, '-a' AS "=j" FROM events ORDER BY event_time`
  const csv = (await runOverFolder(folder, { sql, all: true }, 'csv')).printed
  expect(csv).toBe(
    [
      "\ufeffevent_id,subject,event_time,dt,n,d,list,'=j",
      `'=1+1,"a ""b"",\n",2026-01-05 12:00:00.500000,2026-01-05,-1,-1.50,"[""=a""]",'-a`,
      `'@x,,2026-01-05 12:00:01.000000,2026-01-05,-1,-1.50,"[""=a""]",'-a`,
      '',
    ].join('\r\n'),
  )
})

const fieldNames = (type: EventType): string[] => fieldsOf(type).map(([name]) => name)
const order = (fields: Fields) => defineEvent({ name: 'order', about: 'An order.', fields, user: () => 'u' }) as EventType

test('a field that has the name of another column has the name of its archive column', () => {
  expect(fieldNames(appAction as EventType)).toContain('app_action_event_time')
  expect(fieldNames(order({ Data: text(), dt: text(), country: text() }))).toEqual(['order_data', 'order_dt', 'country'])
  expect(fieldNames(order({ eventid: text(), eventId: text() }))).toEqual(['order_eventid', 'order_event_id'])
  expect(fieldNames(order({ order_dt: text(), dt: text() }))).toEqual(['order_order_dt', 'order_dt'])
})
