import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { rollDice } from '../../cli/simulators/dice.ts'
import type { Format } from '../../cli/sql/print.ts'
import type { Query } from '../../cli/sql/sql-engine.ts'
import type { Event } from '../../shared/event.ts'
import { parseInstant } from '../../shared/time.ts'
import { type Action, eventOf } from '../fixtures/reports/actions.ts'
import { compactFolder } from '../fixtures/reports/compaction.ts'
import { archiveEvents, archiveRows } from '../fixtures/reports/folder-archive.ts'
import { goldenReadings, readGolden } from '../fixtures/reports/golden-readings.ts'
import { type TrinoArchive, trinoArchive } from '../fixtures/reports/trino-athena.ts'
import { rowsOfJson, runOverFolder } from '../fixtures/sql.ts'
import { runOverFolderInAthena } from '../fixtures/sql-athena.ts'
import { archiveExamples } from '../fixtures/sql-examples.ts'
import { startTrino, type Trino } from '../fixtures/trino.ts'
import { trinoClient } from '../fixtures/trino-client.ts'

// `millrace sql --engine athena`, with Trino in the place of Athena, beside DuckDB: each on raw and on compacted days.
const goldenActions = 'test/golden/reports/enriched-actions'
const key = (dt: string, object: string): string => `events/dt=${dt}/hour=12/${object}.parquet`

let trino: Trino
let archives = 0
beforeAll(async () => {
  trino = await startTrino()
}, 600_000)
afterAll(() => trino?.close())

const newArchive = (): TrinoArchive => trinoArchive(trino, `sql_${archives++}`)

/** What a query prints, over the tables that Glue has of the archive as it is now. */
async function inTrino(archive: TrinoArchive, query: Partial<Query> & { sql: string }, format: Format = 'json'): Promise<string> {
  const [client, database] = [trinoClient(trino), await archive.createTables()]
  return (await runOverFolderInAthena({ client, folder: archive.folder, database }, query, format)).printed
}

/** Expects the same rows of both engines; the order is that of the query. */
async function expectSame(archive: TrinoArchive, query: Partial<Query> & { sql: string }): Promise<unknown[]> {
  const { printed } = await runOverFolder(archive.folder, query)
  // DuckDB's library leaves out a byte order mark at the beginning of a text.
  const inAthena = (await inTrino(archive, query)).replaceAll('"\\ufeff', '"')
  expect(rowsTextOf(inAthena)).toBe(rowsTextOf(printed))
  expect(rowsOfJson(inAthena)).toEqual(rowsOfJson(printed))
  return rowsOfJson(printed)
}

/** The same on the archive as it is, and compacted. */
async function expectSameOfBoth(archive: TrinoArchive, query: Partial<Query> & { sql: string }): Promise<unknown[]> {
  const rows = await expectSame(archive, query)
  await compactFolder(archive.folder)
  expect(await expectSame(archive, query)).toEqual(rows)
  return rows
}

/** What `--json` prints after the types of the columns, which each engine names in its own way. */
const rowsTextOf = (printed: string): string => printed.slice(printed.indexOf('],"rows":['))

const allOf = (view: string) => ({ sql: `SELECT * FROM ${view} ORDER BY event_type, source, subject, event_id`, all: true })

test.each(goldenReadings)('the view of readings has the rows of DuckDB: %s', async name => {
  const archive = newArchive()
  await archiveRows(archive.folder, key('2025-11-26', 'a'), readGolden(name).rows)
  expect((await expectSameOfBoth(archive, allOf('reading'))).length).toBeGreaterThan(0)
})

test.each(readdirSync(goldenActions))('the views of actions and of all events have the rows of DuckDB: %s', async file => {
  const { actions } = JSON.parse(readFileSync(path.join(goldenActions, file), 'utf8')) as { actions: Action[] }
  const archive = newArchive()
  await archiveEvents(archive.folder, key('2025-11-26', 'a'), actions.map(eventOf))
  expect((await expectSame(archive, allOf('app_action'))).length).toBeGreaterThan(0)
  expect((await expectSameOfBoth(archive, allOf('events'))).length).toBeGreaterThan(0)
})

const DAYS = ['2026-01-05', '2026-01-06', '2026-01-07']
const DELIVERIES = 300

/** Deliveries of few identities in nine objects, whose times of arrival are equal in several objects and days, but not in one object. */
function deliveriesOf(seed: number): Map<string, Event[]> {
  const dice = rollDice(seed)
  const objects = new Map<string, Event[]>()
  for (let n = 0; n < DELIVERIES; n += 1) {
    const name = key(dice.oneOf(DAYS), String(dice.integer(1, 3)))
    const stored = objects.get(name) ?? []
    const type = dice.oneOf(['order', 'page_visit'])
    const received = Date.parse('2026-01-05T12:00:00Z') + stored.length * 1000
    const identity = {
      id: `e${dice.integer(1, 9)}`,
      source: dice.oneOf(['s', 's:1']),
      type,
      subject: dice.oneOf(['7', '8', null]),
    }
    const data = type === 'order' ? { n } : { Id: 7, Url: `/${n}`, Timestamp: 0.5, n }
    objects.set(name, [...stored, { ...identity, received, time: BigInt(received) * 1000n - BigInt(n), data }])
  }
  return objects
}

const archiveAll = async (archive: TrinoArchive, objects: Iterable<[string, Event[]]>): Promise<void> => {
  for (const [name, events] of objects) await archiveEvents(archive.folder, name, events)
}

test.each([1, 2, 3])(
  'the first arrival of each identity is that of DuckDB, also beside stragglers of compacted days: seed %d',
  async seed => {
    const archive = newArchive()
    const [straggling, others] = [...deliveriesOf(seed)].reduce<[[string, Event[]][], [string, Event[]][]]>(
      ([late, early], each) => (each[0].includes('/2.') ? [[...late, each], early] : [late, [...early, each]]),
      [[], []],
    )
    await archiveAll(archive, others)
    await expectSameOfBoth(archive, allOf('events'))
    await archiveAll(archive, straggling)
    for (const view of ['events', 'page_visit']) {
      await expectSame(archive, allOf(view))
      await expectSame(archive, { ...allOf(view), all: false, days: { from: '2026-01-06', to: '2026-01-06' } })
    }
    await compactFolder(archive.folder)
    await expectSame(archive, allOf('events'))
  },
)

test('times have their microseconds in the years 1 to 9999, numbers their digits, and texts all characters', async () => {
  const archive = newArchive()
  const times = ['0001-01-01T00:00:00Z', '1969-12-31T23:59:59.999999Z', '9999-12-31T23:59:59.999999Z']
  const odd = times.map((time, n) => ({
    ...{
      id: `\u001b'";--${n}😀`,
      source: 's',
      type: 'page_visit',
      subject: null,
      time: parseInstant(time) ?? 0n,
      received: 1_767_614_400_000,
    },
    data: { Id: 9_007_199_254_740_991, Url: '\\\n', Timestamp: 0.1, extra: '=1+1' },
  }))
  await archiveEvents(archive.folder, key('2026-01-05', 'a'), odd)
  const rows = await expectSameOfBoth(archive, allOf('page_visit'))
  expect(rows).toMatchObject(times.map(time => ({ event_time: time })))
})

const examples = [...readFileSync('docs/sql.md', 'utf8').matchAll(/```sql\n-- .*?: --from (\S+)(?: --to (\S+))?\n(.*?)\n```/gs)]
const outputs = [...readFileSync('docs/sql.md', 'utf8').matchAll(/^\$ npx millrace sql [^"]*"[^"]*"\n(.*?)\n```$/gms)]

test('the examples of the page print for Athena what they print for DuckDB, raw and compacted', async () => {
  const archive = newArchive()
  await archiveExamples(archive.folder)
  expect([examples.length, outputs.length]).toEqual([3, 3])
  const printed = () =>
    Promise.all(
      examples.map(async ([, from = '', to, sql = '']) =>
        inTrino(archive, { sql, days: { from, ...(to !== undefined && { to }) } }, 'table'),
      ),
    )
  const expected = outputs.map(([, output]) => `${output}\n`)
  expect(await printed()).toEqual(expected)
  await compactFolder(archive.folder)
  expect(await printed()).toEqual(expected)
})

test.each([
  ["SELECT event_id, ';' AS s FROM Events; -- ;", 60],
  ['WITH a (id, n) AS (SELECT event_id, 1 FROM "EVENTS") SELECT a.id FROM a JOIN page_visit ON a.id = event_id', 20],
  [
    'WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5), e (id) AS (SELECT event_id FROM events) SELECT n FROM t, e',
    300,
  ],
  ['SELECT count(*) FROM (WITH events AS (SELECT 1) SELECT * FROM events)', 1],
])('a query may have its own WITH, names, strings and comments: %s', async (sql, least) => {
  const archive = newArchive()
  await archiveExamples(archive.folder)
  const rows = rowsOfJson(await inTrino(archive, { sql, all: true }))
  expect(rows.length).toBeGreaterThanOrEqual(least)
})

test.each([
  ['SELECT x FROM events', /^line 1, column 8: Column 'x' cannot be resolved/],
  ["WITH a AS (SELECT 1)\nSELECT '😀', x FROM events", /^line 2, column 13: Column 'x' cannot be resolved/],
  ['SELECT *\nFROM events\nWHERE (', /^line 3, column 8: mismatched input '<EOF>'/],
  ['SELECT nothing(1) FROM events', /^line 1, column 8: Function 'nothing' not registered/],
  ['SELECT * FROM archive', /^line 1, column 15: Table 'hive.default.archive' does not exist/],
  ['SELECT 1 / 0 FROM events', /^DIVISION_BY_ZERO: Division by zero/],
])('an error has its place in the query of the person: %s', async (sql, message) => {
  const archive = newArchive()
  await archiveExamples(archive.folder)
  await expect(inTrino(archive, { sql, all: true })).rejects.toThrow(message)
})
