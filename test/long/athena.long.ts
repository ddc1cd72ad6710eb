import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { openWorkspace } from '../../lambdas/archive/duckdb.ts'
import { duckdbEngine } from '../../lambdas/reports/duckdb-engine.ts'
import type { Period } from '../../lambdas/reports/plan-run.ts'
import type { ReportEngine } from '../../lambdas/reports/report-engine.ts'
import { readReportSql } from '../../lambdas/reports/report-sql.ts'
import { runDaily } from '../../lambdas/reports/run-daily.ts'
import type { Event } from '../../shared/event.ts'
import { durationP95 } from '../../shared/reports/duration-p95.ts'
import { enrichedActions } from '../../shared/reports/enriched-actions.ts'
import { millisToMicros } from '../../shared/time.ts'
import { type Action, actionRows, eventOf } from '../fixtures/reports/actions.ts'
import { compactFolder } from '../fixtures/reports/compaction.ts'
import { archiveEvents, archiveRows, folderArchive, type Row } from '../fixtures/reports/folder-archive.ts'
import { goldenReadings, readGolden } from '../fixtures/reports/golden-readings.ts'
import { nearly, rowsOf, run } from '../fixtures/reports/report-rows.ts'
import { visitsByPage } from '../fixtures/reports/toy/visits-by-page.ts'
import { type TrinoArchive, trinoArchive } from '../fixtures/reports/trino-athena.ts'
import { startTrino, type Trino } from '../fixtures/trino.ts'

// The engine `athena` of the reports, with Trino in the place of Athena, beside the engine `duckdb`: each on raw and on compacted days.
const SEEDED_ROWS = 200_000
const HALF = SEEDED_ROWS / 2
const goldenActions = 'test/golden/reports/enriched-actions'
const key = (object: string, dt = '2025-11-26'): string => `events/dt=${dt}/hour=12/${object}.parquet`

let trino: Trino
let archives = 0
beforeAll(async () => {
  trino = await startTrino()
}, 600_000)
afterAll(() => trino?.close())
const newArchive = (): TrinoArchive => trinoArchive(trino, `archive_${archives++}`)

async function readingsOf(archive: TrinoArchive, period: Period = 'every day', since = 0) {
  const engine = await archive.engineFor(durationP95)
  const { downloads, ...rows } = await rowsOf(archive.folder, { period, since, near: 'all', engine })
  return rows
}

const actionsOf = async (archive: TrinoArchive, at: string) =>
  (await actionRows(archive.folder, at, {}, await archive.engineFor(enrichedActions))).rows

test.each(goldenReadings)('Trino computes duration-p95 as DuckDB does: %s', async name => {
  const golden = readGolden(name)
  const archive = newArchive()
  await archiveRows(archive.folder, key('a'), golden.rows)
  const raw = await readingsOf(archive)
  expect(raw).toMatchObject({ type: nearly(golden.by_type), device: nearly(golden.by_device) })
  await compactFolder(archive.folder)
  expect(await readingsOf(archive)).toEqual({ ...raw, type: nearly(golden.by_type), device: nearly(golden.by_device) })
})

test.each(readdirSync(goldenActions))('Trino computes enriched-actions as DuckDB does: %s', async file => {
  const golden = JSON.parse(readFileSync(path.join(goldenActions, file), 'utf8')) as {
    at: string
    actions: Action[]
    rows: Record<string, unknown>[]
  }
  const archive = newArchive()
  await archiveEvents(archive.folder, key('a'), golden.actions.map(eventOf))
  expect(await actionsOf(archive, golden.at)).toEqual(golden.rows)
  await compactFolder(archive.folder)
  expect(await actionsOf(archive, golden.at)).toEqual(golden.rows)
})

/** Durations with equal values, ties, values around three sigma, nulls, and magnitudes that plain sums lose. */
function durationOf(n: number): number | null {
  const device = n % 40
  if (n % 97 === 5) return null
  if (device < 4) return 7.25
  if (device < 8) return 1e9 + (n % 5) * 0.25
  if (n % 311 === 0) return n % 2 === 0 ? -1e6 : 1e6
  return device < 12 ? ((n * 7919) % 1000) / 3 : (n % 6) - 2.5
}

const reading = (n: number): Row => ({
  // One in 50 repeats an earlier reading of its device, in the same object or in the other one.
  event_id: `e${n % 50 === 41 ? n - 40 * (n % 3) : n}`,
  source: 's',
  received: 1_764_158_400_000 + ((n * 7) % 100_000),
  device_id: `d${n % 40}`,
  device_type: n % 13 === 0 ? null : `t${(n % 40) % 4}`,
  timestamp: 1_764_158_400 + (n % 3) * 43_200 + n / SEEDED_ROWS,
  event_duration: durationOf(n),
})

test(`Trino and DuckDB give the same duration-p95 for ${SEEDED_ROWS} seeded readings`, async () => {
  const archive = newArchive()
  const rows = Array.from({ length: SEEDED_ROWS }, (_, n) => reading(n))
  await archiveRows(archive.folder, key('a'), rows.slice(0, HALF))
  await archiveRows(archive.folder, key('b'), rows.slice(HALF))
  const { downloads, ...expected } = await rowsOf(archive.folder, { period: 'every day', since: 0, near: 'all' })
  const same = { ...expected, type: nearly(expected.type), device: nearly(expected.device) }
  expect([expected.type.length, expected.device.length]).toEqual([8, 80])
  expect(await readingsOf(archive)).toEqual(same)
  await compactFolder(archive.folder)
  expect(await readingsOf(archive)).toEqual(same)
}, 300_000)

const action = (n: number): Action => ({
  event_id: `e${n % 50 === 41 ? n - 40 * (n % 3) : n}`,
  received: 1_764_158_400_000 + ((n * 7) % 100_000),
  time: new Date(1_764_158_400_000 + ((n * 31) % 30_000) * 1000).toISOString(),
  user_id: n % 1000,
  app_name: `app ${n % 3}`,
  event_action: n % 11 === 0 ? null : `action ${(n * n) % 7}`,
  event_category: `category ${n % 5}`,
  event_value: n % 17 === 0 ? null : n,
})

test(`Trino and DuckDB give the same enriched-actions for ${SEEDED_ROWS} seeded actions, in the same order`, async () => {
  const archive = newArchive()
  const events = Array.from({ length: SEEDED_ROWS }, (_, n) => eventOf(action(n)))
  await archiveEvents(archive.folder, key('a'), events.slice(0, HALF))
  await archiveEvents(archive.folder, key('b'), events.slice(HALF))
  const at = '2025-11-26T18:00:00Z'
  const { rows } = await actionRows(archive.folder, at)
  const actual = await actionsOf(archive, at)
  expect(actual.length).toBe(rows.length)
  expect(actual).toEqual(rows)
  await compactFolder(archive.folder)
  expect(await actionsOf(archive, at)).toEqual(rows)
}, 300_000)

const DAY_MS = 86_400_000
const START = Date.UTC(2025, 10, 26)
const readingsOn = (day: number, ids: number, received = START + day * DAY_MS): Row[] =>
  Array.from({ length: ids }, (_, n) => ({
    event_id: `d${day}-${n}`,
    received: received + n,
    timestamp: START / 1000 + day * 86_400 + n,
    event_duration: n,
  }))

test('a straggler of a compacted day is read from its raw object until the next compaction', async () => {
  const archive = newArchive()
  await archiveRows(archive.folder, key('a'), readingsOn(0, 600))
  await compactFolder(archive.folder, START + 2 * DAY_MS)
  const straggler = readingsOn(0, 700).slice(550)
  await archiveRows(archive.folder, key('b'), straggler)
  const { downloads, ...expected } = await rowsOf(archive.folder, { period: 'every day', since: 0, near: 'all' })
  expect(expected.type).toMatchObject([{ num_events: 700 }])
  const same = { ...expected, type: nearly(expected.type), device: nearly(expected.device) }
  expect(await readingsOf(archive)).toEqual(same)
  await compactFolder(archive.folder, START + 4 * DAY_MS)
  expect(await readingsOf(archive)).toEqual(same)
})

test('a run for the days with arrivals computes those, also of an earlier day; a day of the future is noted', async () => {
  const archive = newArchive()
  await archiveRows(archive.folder, key('a'), readingsOn(0, 600))
  await archiveRows(archive.folder, key('b', '2025-11-27'), readingsOn(1, 600))
  const since = Date.now() + 1
  await compactFolder(archive.folder, START + 4 * DAY_MS)
  while (Date.now() <= since) await new Promise(setImmediate)
  await archiveRows(archive.folder, key('c', '2025-11-30'), [
    ...readingsOn(0, 650).map(row => ({ ...row, received: START + 4 * DAY_MS })),
    ...readingsOn(9, 600, START + 4 * DAY_MS),
  ])
  const { downloads, ...expected } = await rowsOf(archive.folder, { period: 'days with arrivals', since, near: 'all' })
  expect(expected.publications.map(({ period, ofFuture }) => [period, ofFuture])).toEqual([
    ['2025-11-26', undefined],
    ['2025-12-05', true],
  ])
  const { type, device, ...others } = await readingsOf(archive, 'days with arrivals', since)
  expect(others).toEqual({ publications: expected.publications, skipped: expected.skipped })
  expect([type, device]).toEqual([nearly(expected.type), nearly(expected.device)])
  const day = { day: START / DAY_MS }
  const { downloads: _, ...ofDay } = await rowsOf(archive.folder, { period: day, since: 0, near: 'all' })
  expect((await readingsOf(archive, day)).publications).toEqual(ofDay.publications)
})

const visitOf = (id: string, Url: string): Event => ({
  ...{ id, source: 's', type: 'page_visit', subject: '1', time: millisToMicros(START), received: START },
  data: { Id: 1, Url, Timestamp: 0 },
})

test('a report that the product does not know is computed by its two files', async () => {
  const archive = newArchive()
  const visits = ['/b', '/a', '/a', '/c'].map((url, at) => visitOf(String(at), url))
  await archiveEvents(archive.folder, key('a'), [...visits, ...visits.slice(0, 2)])
  const sqlFolder = 'test/fixtures/reports/toy'
  const rowsBy = async (engine: ReportEngine) => {
    const bucket = folderArchive(archive.folder)
    const workspace = await openWorkspace(path.join(archive.folder, 'scratch'), 512)
    try {
      const daily = { report: visitsByPage, engine, period: 'every day', since: 0, near: 'all', run } as const
      const { publications } = await runDaily(daily, { archive: bucket, ledger: bucket.ledger, workspace })
      return { publications, rows: await workspace.run('FROM published ORDER BY rowid') }
    } finally {
      await workspace.close()
    }
  }
  const expected = await rowsBy(duckdbEngine(readReportSql(sqlFolder, visitsByPage)))
  expect(expected.rows.map(({ page, visits: count }) => [page, Number(count)])).toEqual([
    ['/a', 2],
    ['/b', 1],
    ['/c', 1],
  ])
  expect(await rowsBy(await archive.engineFor(visitsByPage, sqlFolder))).toEqual(expected)
})

test('the view of docs/runbook.md shows each event once, with its first arrival', async () => {
  const archive = newArchive()
  await archiveRows(archive.folder, key('a'), readingsOn(0, 30))
  await archiveRows(archive.folder, key('b', '2025-11-27'), readingsOn(0, 40, START + DAY_MS))
  const [, view = ''] = /```sql\n(CREATE VIEW .*?);\n```/s.exec(readFileSync('docs/runbook.md', 'utf8')) ?? []
  await compactFolder(archive.folder, START + 4 * DAY_MS)
  const [schema, views] = [await archive.createTables(), `views_${archives++}`]
  await trino.query(`CREATE SCHEMA "${views}"`)
  await trino.query(view.replaceAll('millrace_dev_views', views).replaceAll('millrace_dev', schema))
  const counted = await trino.query(`SELECT count(*), count(DISTINCT event_id), min(received_time_us) FROM "${views}".events`)
  expect(counted).toEqual([[40, 40, START * 1000]])
})

test('an archive without events has no rows, and what Athena stored is deleted', async () => {
  const archive = newArchive()
  expect(await readingsOf(archive)).toMatchObject({ type: [], device: [], publications: [] })
  expect(await actionsOf(archive, '2025-11-26T18:00:00Z')).toEqual([])
  expect(await folderArchive(archive.folder).list('athena/')).toEqual([])
})
