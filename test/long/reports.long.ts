import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { openWorkspace } from '../../lambdas/archive/duckdb.ts'
import { duckdbEngine } from '../../lambdas/reports/duckdb-engine.ts'
import { readReportSql } from '../../lambdas/reports/report-sql.ts'
import { runDaily } from '../../lambdas/reports/run-daily.ts'
import { reportsFolder } from '../../shared/catalogue.ts'
import { durationP95 } from '../../shared/reports/duration-p95.ts'
import { folderArchive } from '../fixtures/reports/folder-archive.ts'
import { run } from '../fixtures/reports/report-rows.ts'

const OBJECTS = 6
const ROWS_PER_OBJECT = 500_000
const MEBIBYTE = 2 ** 20

/** Three million readings of one day in six objects; every hundredth is a duplicate. */
async function writeArchive(folder: string): Promise<void> {
  await mkdir(path.join(folder, 'events/dt=2025-11-26/hour=12'), { recursive: true })
  const instance = await DuckDBInstance.create(':memory:', { memory_limit: '256MiB', threads: '1' })
  const connection = await instance.connect()
  for (let object = 0; object < OBJECTS; object++) {
    const first = object * ROWS_PER_OBJECT
    await connection.run(`COPY (
      SELECT
        'reading-' || md5(CAST(event AS VARCHAR)) AS event_id, 'reading' AS event_type,
        'd' || event % 10 AS subject, 'long test' AS source, 1764158400000000 + n AS event_time_us, 1764158400000000 + n AS received_time_us,
        'd' || event % 10 AS reading_device_id, 't' || n % 3 AS reading_device_type, 1764158400.0::DOUBLE + n / 1e6 AS reading_timestamp,
        10 + (n * 7919 % 1000) / 500.0::DOUBLE AS reading_event_duration
      FROM (SELECT n, CASE WHEN n % 100 = 99 THEN n - 1 ELSE n END AS event FROM range(${first}, ${first + ROWS_PER_OBJECT}) AS r(n))
    ) TO '${folder}/events/dt=2025-11-26/hour=12/${object}.parquet' (FORMAT parquet, COMPRESSION snappy)`)
  }
  connection.closeSync()
  instance.closeSync()
}

test('the report of three million readings needs at most 512 MiB of DuckDB memory', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-reports-'))
  try {
    await writeArchive(folder)
    const before = process.memoryUsage().rss
    let peak = before
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().rss)
    }, 50)
    const started = performance.now()
    const workspace = await openWorkspace(path.join(folder, 'scratch'), 512)
    const archive = folderArchive(folder)
    const engine = duckdbEngine(readReportSql(reportsFolder, durationP95))
    const daily = { report: durationP95, engine, period: 'every day', since: 0, near: 'all', run } as const
    const { publications } = await runDaily(daily, { archive, ledger: archive.ledger, workspace })
    const seconds = (performance.now() - started) / 1000
    clearInterval(watch)
    const [count] = await workspace.run('SELECT count(*) AS events FROM distinct_readings')
    await workspace.close()
    const growth = Math.round((peak - before) / MEBIBYTE)
    console.log(`${OBJECTS * ROWS_PER_OBJECT} readings in ${seconds.toFixed(1)} s; the process grew by ${growth} MiB`)
    expect(publications).toEqual([{ period: '2025-11-26', run, rows: { type: 3, device: 10 } }])
    expect(count).toEqual({ events: BigInt(OBJECTS * ROWS_PER_OBJECT * 0.99) })
    expect(growth).toBeLessThan(1024)
  } finally {
    await rm(folder, { recursive: true })
  }
}, 300_000)
