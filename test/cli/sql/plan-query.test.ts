import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type ClosedEngine, openClosedEngine } from '../../../cli/sql/duckdb.ts'
import { planQuery } from '../../../cli/sql/plan-query.ts'
import { viewsOf } from '../../../cli/sql/views.ts'
import { eventTypes } from '../../../shared/catalogue.ts'

let folder: string
let engine: ClosedEngine
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-plan-'))
  engine = await openClosedEngine(folder, eventTypes, { memoryMebibytes: 256, spillMebibytes: 256 })
})
afterAll(async () => {
  engine.close()
  await rm(folder, { recursive: true })
})

const planned = async (sql: string) => planQuery(await engine.parse(sql), viewsOf(eventTypes), sql)

const plan = async (sql: string) => {
  const { reads, days } = await planned(sql)
  return { reads, days }
}

test.each([
  ["dt >= '2026-01-05'", { from: '2026-01-05' }],
  ["dt > '2026-01-31'", { from: '2026-02-01' }],
  ["dt <= DATE '2026-01-05'", { to: '2026-01-05' }],
  ["dt < '2026-03-01'::DATE", { to: '2026-02-28' }],
  ["'2026-01-05' <= dt", { from: '2026-01-05' }],
  ["'2026-01-05' > DT", { to: '2026-01-04' }],
  ["events.dt = '2026-01-05'", { from: '2026-01-05', to: '2026-01-05' }],
  ["dt BETWEEN '2026-01-05' AND '2026-01-07'", { from: '2026-01-05', to: '2026-01-07' }],
  ["dt BETWEEN '2026-01-05' AND current_date", { from: '2026-01-05' }],
  ["subject = 'a' AND (dt >= '2026-01-05' AND source = 'b') AND dt < '2026-01-07'", { from: '2026-01-05', to: '2026-01-06' }],
  ["dt >= '2026-01-05' AND dt >= '2026-01-09'", { from: '2026-01-09' }],
  ["NOT dt < '2026-01-05'", { from: '2026-01-05' }],
  ["dt > '9999-12-31'", { from: '9999-12-31' }],
])('a comparison of dt with a day bounds the days: %s', async (condition, days) => {
  expect(await plan(`SELECT * FROM events WHERE ${condition}`)).toEqual({ reads: true, days })
})

test.each([
  "dt >= '2026-01-05' OR subject = 'a'",
  "dt <> '2026-01-05'",
  "dt IS NOT DISTINCT FROM DATE '2026-01-05'",
  "dt >= '2026-1-5'",
  "dt >= '2026-02-30'",
  "dt >= TIMESTAMP '2026-01-05 00:00:00'",
  'dt >= current_date - 7',
  "dt + 1 >= '2026-01-05'",
  "CAST(dt AS VARCHAR) >= '2026-01-05'",
  "coalesce(dt >= '2026-01-05', true)",
  "dt NOT BETWEEN '2026-01-05' AND '2026-01-07'",
  "event_time >= '2026-01-05'",
  "received_time >= DATE '2026-01-05'",
])('nothing else bounds them: %s', async condition => {
  expect(await plan(`SELECT * FROM events WHERE ${condition}`)).toEqual({ reads: true, days: {} })
})

test.each([
  [
    'two SELECTs read the days of both',
    "SELECT * FROM events WHERE dt = '2026-01-05' UNION ALL SELECT * FROM events WHERE dt = '2026-01-09'",
    { from: '2026-01-05', to: '2026-01-09' },
  ],
  [
    'in a WITH',
    "WITH a AS (SELECT * FROM reading WHERE dt >= '2026-01-05') SELECT count(*) FROM a WHERE dt < '2026-01-09'",
    { from: '2026-01-05' },
  ],
  ['in a subquery', "SELECT * FROM (FROM page_visit v WHERE v.dt <= '2026-01-05')", { to: '2026-01-05' }],
  ['HAVING does not count', "SELECT dt FROM events GROUP BY dt HAVING dt >= '2026-01-05'", {}],
  ['an alias of a column does not', "SELECT subject AS x FROM events WHERE x >= '2026-01-05'", {}],
  ['one SELECT of two is unbounded', "SELECT * FROM events WHERE dt = '2026-01-05' UNION ALL SELECT * FROM reading", {}],
  ['a join', "SELECT * FROM events a JOIN events b USING (subject) WHERE a.dt = '2026-01-05' AND b.dt = '2026-01-05'", {}],
  [
    'the dt of an outer query',
    "SELECT * FROM events a WHERE a.dt = '2026-01-05' AND EXISTS (FROM events b WHERE a.dt > '2026-01-05')",
    {},
  ],
  ['another table of the name', "SELECT * FROM events a WHERE events.dt = '2026-01-05'", {}],
  ['columns that have other names', "SELECT * FROM events e(dt) WHERE dt >= '2026-01-05'", {}],
  ['a sample is drawn before WHERE', "SELECT * FROM events TABLESAMPLE 10% WHERE dt >= '2026-01-05'", {}],
  ['a WITH that hides a view', "WITH events AS (FROM reading) SELECT * FROM events WHERE dt >= '2026-01-05'", {}],
  ['what the views are made of', 'SELECT * FROM archive.deliveries', {}],
  [
    'a SELECT beside a join',
    "SELECT * FROM reading WHERE dt = '2026-01-05' UNION ALL SELECT a.* FROM reading a JOIN reading b USING (subject)",
    {},
  ],
  ['UNPIVOT', 'UNPIVOT events ON subject, source', {}],
  ['SUMMARIZE', 'SUMMARIZE events', {}],
])('%s', async (_, sql, days) => {
  expect(await plan(sql)).toEqual({ reads: true, days })
})

test.each(['SELECT 1', 'DESCRIBE events', 'SHOW TABLES', 'SELECT * FROM range(3)', 'SELECT * FROM unnest([1, 2])', 'VALUES (1)'])(
  'no event is read: %s',
  async sql => {
    expect(await plan(sql)).toEqual({ reads: false, days: {} })
  },
)

test.each([
  "SELECT * FROM query('SELECT * FROM events')",
  "SELECT * FROM query_table('events')",
  'SELECT * FROM histogram(events, subject)',
  "SELECT (SELECT content FROM read_text('/proc/self/environ'))",
  "SELECT * FROM enable_logging(storage = 'file', storage_path = '/tmp/logs')",
  'SELECT * FROM duckdb_settings()',
])('a table function that may read something else is refused: %s', async sql => {
  await expect(plan(sql)).rejects.toThrow(/^line 1, column \d+: the table function \w+ is not available\./)
})

test.each([
  ['FROM page_visit', ['page_visit']],
  ['SELECT * FROM Page_Visit JOIN reading USING (subject)', ['page_visit', 'reading']],
  ['SELECT (SELECT count(*) FROM reading)', ['reading']],
  ["SELECT * FROM events WHERE event_type = 'page_visit'", undefined],
  ['FROM page_visit UNION ALL BY NAME FROM events', undefined],
  ['WITH page_visit AS (FROM events) FROM page_visit', undefined],
])('the views say which types are read: %s', async (sql, types) => {
  expect((await planned(sql)).types).toEqual(types && new Set(types))
})
