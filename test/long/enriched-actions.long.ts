import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import { partsPrefix } from '../../shared/report.ts'
import { enrichedActions } from '../../shared/reports/enriched-actions.ts'
import { run } from '../fixtures/reports/actions.ts'

const OBJECTS = 20
const ROWS_PER_OBJECT = 500_000
const USERS = 1_000_003
const MEBIBYTE = 2 ** 20

/** Ten million actions of a million users in twenty objects, not ordered by time; every hundredth is a duplicate. */
async function writeArchive(folder: string): Promise<void> {
  await mkdir(path.join(folder, 'events/dt=2025-11-26/hour=12'), { recursive: true })
  const instance = await DuckDBInstance.create(':memory:', { memory_limit: '256MiB', threads: '1' })
  const connection = await instance.connect()
  for (let object = 0; object < OBJECTS; object++) {
    const first = object * ROWS_PER_OBJECT
    await connection.run(`COPY (
      SELECT
        'action-' || md5(CAST(event AS VARCHAR)) AS event_id, 'app_action' AS event_type,
        CAST(event % ${USERS} AS VARCHAR) AS subject, 'long test' AS source,
        1764158400000000 + (n * 7919 % 10000019) * 1000 AS event_time_us, 1764158400000000 + n AS received_time_us,
        event % ${USERS} AS app_action_user_id, 'product_' || n % 3 AS app_action_app_name,
        CASE WHEN n % 7 <> 0 THEN 'action ' || hash(n) % 50 END AS app_action_event_action,
        'category_' || n % 3 AS app_action_event_category, n % 100 AS app_action_event_value
      FROM (SELECT n, CASE WHEN n % 100 = 99 THEN n - 1 ELSE n END AS event FROM range(${first}, ${first + ROWS_PER_OBJECT}) AS r(n))
    ) TO '${folder}/events/dt=2025-11-26/hour=12/${String(object).padStart(2, '0')}.parquet' (FORMAT parquet, COMPRESSION snappy)`)
  }
  connection.closeSync()
  instance.closeSync()
}

test('a function with 2 GB of memory enriches ten million actions', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-reports-'))
  try {
    await writeArchive(folder)
    // In a separate process, whose peak memory is that of the report, including Node.
    const child = await promisify(execFile)(
      process.execPath,
      ['test/fixtures/reports/enrich.ts', folder, '2048', '2025-11-26T14:50:00Z'],
      { maxBuffer: MEBIBYTE },
    )
    const result = JSON.parse(child.stdout) as { rows: number[]; seconds: number; memory: number; disk: number }
    const [memory, disk] = [result.memory, result.disk].map(bytes => Math.round(bytes / MEBIBYTE))
    console.log(
      `${OBJECTS * ROWS_PER_OBJECT} actions in ${result.seconds.toFixed(1)} s; at most ${memory} MiB of memory, ${disk} MiB of disk`,
    )
    expect(result.rows).toEqual([...Array(9).fill(enrichedActions.rowsPerPart), 900_000])
    expect(result.memory).toBeLessThan(2048 * MEBIBYTE)
    expect(await countIn(folder)).toEqual({
      events: 9_900_000n,
      identities: 9_900_000n,
      disorder: 0n,
      recent: 9_900_000n,
      wrong_favourites: 0n,
    })
  } finally {
    await rm(folder, { recursive: true })
  }
}, 900_000)

/** Counts that must hold of the published rows. The queries differ from those of the report. */
async function countIn(folder: string): Promise<unknown> {
  const instance = await DuckDBInstance.create(path.join(folder, 'facts.duckdb'), { memory_limit: '2GiB' })
  const connection = await instance.connect()
  const parts = `${folder}/${partsPrefix('enriched-actions', run, 'parquet')}*.parquet`
  await connection.run(`CREATE VIEW published AS FROM read_parquet('${parts}', filename = true, file_row_number = true)`)
  const reader = await connection.runAndReadAll(`
    SELECT
      (SELECT count(*) FROM published) AS events,
      (SELECT count(DISTINCT event_id) FROM published) AS identities,
      (SELECT count(*) FROM (
        SELECT (event_time, event_id) < lag((event_time, event_id)) OVER (ORDER BY filename, file_row_number) AS back FROM published
      ) WHERE back) AS disorder,
      -- All events are within the last three hours, so each user's count is its number of rows.
      (SELECT CAST(sum(u_count) AS BIGINT) FROM (SELECT DISTINCT user_id, u_count FROM published)) AS recent,
      (SELECT count(*) FROM (
        SELECT user_id, any_value(u_mp_ea) AS favourite, max(times) AS most, max(times) FILTER (event_action = u_mp_ea) AS of_favourite,
          min(event_action) FILTER (times = top) AS smallest
        FROM (SELECT *, max(times) OVER (PARTITION BY user_id) AS top FROM (
          SELECT user_id, event_action, u_mp_ea, count(event_action) AS times FROM published WHERE event_action IS NOT NULL
          GROUP BY user_id, event_action, u_mp_ea
        )) GROUP BY user_id
      ) WHERE favourite IS DISTINCT FROM smallest OR most IS DISTINCT FROM of_favourite) AS wrong_favourites`)
  connection.closeSync()
  instance.closeSync()
  return reader.getRowObjects()[0]
}
