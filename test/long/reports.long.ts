import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { openWorkspace } from '../../lambdas/reports/duckdb.ts'
import { runDurationP95 } from '../../lambdas/reports/run-duration-p95.ts'
import { folderArchive } from '../fixtures/reports/folder-archive.ts'
import { run } from '../fixtures/reports/report-rows.ts'

const OBJECTS = 6
const ROWS_AN_OBJECT = 500_000
const MEBIBYTE = 2 ** 20

/** Three million readings of one day, in six objects; every hundredth id came before. */
async function writeArchive(folder: string): Promise<void> {
  await mkdir(path.join(folder, 'events/dt=2025-11-26/hour=12'), { recursive: true })
  const instance = await DuckDBInstance.create(':memory:', { memory_limit: '256MiB', threads: '1' })
  const connection = await instance.connect()
  for (let object = 0; object < OBJECTS; object++) {
    const first = object * ROWS_AN_OBJECT
    await connection.run(`COPY (
      SELECT
        'reading-' || md5(CAST(CASE WHEN n % 100 = 99 THEN n - 1 ELSE n END AS VARCHAR)) AS event_id, 'reading' AS event_type,
        'd' || n % 10 AS subject, 'long test' AS source, 1764158400000000 + n AS event_time_us, 1764158400000000 + n AS received_time_us,
        'd' || n % 10 AS reading_device_id, 't' || n % 3 AS reading_device_type, 1764158400.0::DOUBLE + n / 1e6 AS reading_timestamp,
        10 + (n * 7919 % 1000) / 500.0::DOUBLE AS reading_event_duration
      FROM range(${first}, ${first + ROWS_AN_OBJECT}) AS r(n)
    ) TO '${folder}/events/dt=2025-11-26/hour=12/${object}.parquet' (FORMAT parquet, COMPRESSION snappy)`)
  }
  connection.closeSync()
  instance.closeSync()
}

test('three million readings are reported within 512 MiB of DuckDB memory', async () => {
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
    const publications = await runDurationP95({ period: 'every day', since: 0, run }, { archive, workspace })
    const seconds = (performance.now() - started) / 1000
    clearInterval(watch)
    const [counted] = await workspace.run('SELECT count(*) AS events FROM distinct_readings')
    await workspace.close()
    const grown = Math.round((peak - before) / MEBIBYTE)
    console.log(`${OBJECTS * ROWS_AN_OBJECT} readings in ${seconds.toFixed(1)} s; the process grew by ${grown} MiB`)
    expect(publications).toEqual([{ period: '2025-11-26', run, rows: { type: 3, device: 10 } }])
    expect(counted).toEqual({ events: BigInt(OBJECTS * ROWS_AN_OBJECT * 0.99) })
    expect(grown).toBeLessThan(1024)
  } finally {
    await rm(folder, { recursive: true })
  }
}, 300_000)
