import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { type AthenaRun, athenaQuery } from '../../lambdas/reports/athena-query.ts'
import { readReportSql } from '../../lambdas/reports/report-sql.ts'
import { archiveColumns } from '../../shared/archive-columns.ts'
import { eventTypes, reportsFolder } from '../../shared/catalogue.ts'
import type { Report } from '../../shared/report.ts'
import { durationP95 } from '../../shared/reports/duration-p95.ts'
import { enrichedActions } from '../../shared/reports/enriched-actions.ts'
import { parseInstant } from '../../shared/time.ts'
import { type Action, eventOf, reportActions } from '../fixtures/reports/actions.ts'
import { archiveEvents, archiveRows, type Row } from '../fixtures/reports/folder-archive.ts'
import { goldenReadings, readGolden } from '../fixtures/reports/golden-readings.ts'
import { nearly, reportRows } from '../fixtures/reports/report-rows.ts'
import { startTrino, type Trino } from '../fixtures/trino.ts'

const SEEDED_ROWS = 200_000
const HALF = SEEDED_ROWS / 2
const goldenActions = 'test/golden/reports/enriched-actions'

let trino: Trino
beforeAll(async () => {
  trino = await startTrino()
}, 600_000)
afterAll(() => trino?.close())

/** The folder of an archive that Trino reads, with the key of an object in it. */
const archiveOf = (name: string): string => path.join(trino.files, name)
const key = (object: string): string => `events/dt=2025-11-26/hour=12/${object}.parquet`

/** Creates the table that Glue has over an archive, without its partitions. */
async function createTable(name: string): Promise<string> {
  const columns = archiveColumns(eventTypes).map(
    ({ name: column, type }) => `"${column}" ${type === 'string' ? 'varchar' : type}`,
  )
  const table = `"${name}"`
  await trino.query(`CREATE TABLE ${table} (${columns.join(', ')})
WITH (format = 'PARQUET', external_location = 'local:///${name}/events')`)
  return table
}

async function rowsOf(report: Report, result: string, run: AthenaRun, table: string): Promise<unknown[][]> {
  const sql = readReportSql(reportsFolder, report, 'athena')
  return trino.query(athenaQuery(report, sql, result, run, [table]))
}

async function trinoReadings(name: string) {
  const table = await createTable(name)
  const columns = (by: string) => ['date', by, 'num_events', 'kept', 'mean', 'stddev', 'event_duration_p95']
  const of = async (result: string, by: string) =>
    (await rowsOf(durationP95, result, { days: 'every day' }, table)).map(row => named(columns(by), row))
  return { type: await of('rows by type', 'device_type'), device: await of('rows by device', 'device_id') }
}

const named = (columns: readonly string[], row: readonly unknown[]) =>
  Object.fromEntries(columns.map((name, at) => [name, row[at]]))

/** The columns of enriched-actions in Athena, where the time of the event is a number: Athena writes timestamps in milliseconds. */
const ACTION_COLUMNS = ['event_time', ...enrichedActions.columns.slice(1).map(({ name }) => name)]

async function trinoActions(name: string, at: string) {
  const rows = await rowsOf(enrichedActions, 'rows', { at: parseInstant(at) ?? 0n }, await createTable(name))
  return rows.map(row => named(ACTION_COLUMNS, row)).map(row => ({ ...row, event_time: JSON.stringify(row['event_time']) }))
}

const inMicros = (rows: readonly Readonly<Record<string, unknown>>[]) =>
  rows.map(row => ({ ...row, event_time: String(parseInstant(String(row['event_time']))) }))

test.each(goldenReadings)('Trino computes duration-p95 as DuckDB does: %s', async name => {
  const golden = readGolden(name)
  await archiveRows(archiveOf(name), key('a'), golden.rows)
  const { type, device } = await trinoReadings(name)
  expect(type).toEqual(nearly(golden.by_type))
  expect(device).toEqual(nearly(golden.by_device))
})

test.each(readdirSync(goldenActions))('Trino computes enriched-actions as DuckDB does: %s', async file => {
  const golden = JSON.parse(readFileSync(path.join(goldenActions, file), 'utf8')) as {
    at: string
    actions: Action[]
    rows: Record<string, unknown>[]
  }
  const name = file.replace('.json', '')
  await archiveEvents(archiveOf(name), key('a'), golden.actions.map(eventOf))
  expect(await trinoActions(name, golden.at)).toEqual(inMicros(golden.rows))
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
  const archive = archiveOf('readings')
  const rows = Array.from({ length: SEEDED_ROWS }, (_, n) => reading(n))
  await archiveRows(archive, key('a'), rows.slice(0, HALF))
  await archiveRows(archive, key('b'), rows.slice(HALF))
  const expected = await reportRows(archive, 'every day')
  const { type, device } = await trinoReadings('readings')
  expect([type.length, device.length]).toEqual([8, 80])
  expect(type).toEqual(nearly(expected.type))
  expect(device).toEqual(nearly(expected.device))
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
  const archive = archiveOf('actions')
  const events = Array.from({ length: SEEDED_ROWS }, (_, n) => eventOf(action(n)))
  await archiveEvents(archive, key('a'), events.slice(0, HALF))
  await archiveEvents(archive, key('b'), events.slice(HALF))
  const at = '2025-11-26T18:00:00Z'
  const { rows } = await reportActions(archive, at)
  const actual = await trinoActions('actions', at)
  expect(actual.length).toBe(rows.length)
  expect(actual).toEqual(inMicros(rows))
}, 300_000)
