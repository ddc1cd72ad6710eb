import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { sqlString } from '../../../lambdas/archive/duckdb.ts'

/** A report by hand: the statements, and the tables that are written as Parquet and CSV. */
interface PlainReport {
  readonly steps: readonly string[]
  readonly tables: readonly string[]
}

const p95By = (dimension: string, least: number): string => `CREATE TABLE by_${dimension} AS
WITH sized AS (
  SELECT day, ${dimension}, count(*) AS num_events, avg(x) AS mean, stddev_samp(x) AS stddev
  FROM readings WHERE x IS NOT NULL AND ${dimension} IS NOT NULL GROUP BY day, ${dimension} HAVING count(*) >= ${least}
)
SELECT day, ${dimension}, num_events, count(*) AS kept, mean, stddev, quantile_cont(x, 0.95) AS p95
FROM readings JOIN sized USING (day, ${dimension}) WHERE abs(x - mean) <= 3 * stddev
GROUP BY ALL ORDER BY day, ${dimension}`

/**
 * The same work as that of the product's reports, as one writes it for DuckDB at once: without the product's care for absurd durations,
 * ties, times of future days, and objects with other columns.
 */
const plainReports = {
  'duration-p95': {
    steps: [
      `CREATE TABLE readings AS
SELECT
  arg_min(CAST(floor(reading_timestamp / 86400) AS INTEGER), received_time_us) AS day,
  arg_min(reading_device_id, received_time_us) AS device_id, arg_min(reading_device_type, received_time_us) AS device_type,
  arg_min(reading_event_duration, received_time_us) AS x
FROM events WHERE event_type = 'reading' GROUP BY source, subject, event_id`,
      p95By('device_type', 500),
      p95By('device_id', 200),
    ],
    tables: ['by_device_type', 'by_device_id'],
  },
  'enriched-actions': {
    steps: [
      `CREATE TABLE actions AS
SELECT
  source, subject, event_id, min(event_time_us) AS t,
  arg_min(app_action_user_id, event_time_us) AS user_id, arg_min(app_action_app_name, event_time_us) AS app_name,
  arg_min(app_action_event_action, event_time_us) AS event_action,
  arg_min(app_action_event_category, event_time_us) AS event_category, arg_min(app_action_event_value, event_time_us) AS event_value
FROM events WHERE event_type = 'app_action' GROUP BY source, subject, event_id`,
      `CREATE TABLE enriched AS
WITH recent AS (
  SELECT user_id, count(*) AS u_count FROM actions WHERE t >= (SELECT max(t) FROM actions) - 10800000000 GROUP BY user_id
), favourites AS (
  SELECT user_id, arg_max(event_action, times) AS u_mp_ea
  FROM (SELECT user_id, event_action, count(*) AS times FROM actions GROUP BY ALL) GROUP BY user_id
)
SELECT
  make_timestamp(t) AS event_time, user_id, app_name, event_action, event_category, event_value,
  coalesce(u_count, 0) AS u_count, u_mp_ea, event_id
FROM actions LEFT JOIN recent USING (user_id) LEFT JOIN favourites USING (user_id) ORDER BY t, event_id`,
    ],
    tables: ['enriched'],
  },
} satisfies Record<string, PlainReport>

export type ReportName = keyof typeof plainReports

/** Runs a report over an archive in a folder, and writes its tables below `scratch`. Returns the number of rows. */
export async function runPlain(name: ReportName, archive: string, scratch: string, memoryMegabytes: number): Promise<number> {
  await mkdir(scratch, { recursive: true })
  const settings = { memory_limit: `${memoryMegabytes}MiB`, threads: '2', preserve_insertion_order: 'false' }
  const instance = await DuckDBInstance.create(path.join(scratch, 'plain.duckdb'), {
    ...settings,
    temp_directory: path.join(scratch, 'spill'),
  })
  const connection = await instance.connect()
  const files = sqlString(path.join(archive, 'events/*/*/*.parquet'))
  await connection.run(`CREATE VIEW events AS FROM read_parquet(${files}, hive_partitioning = false)`)
  const { steps, tables }: PlainReport = plainReports[name]
  for (const step of steps) await connection.run(step)
  let rows = 0
  for (const table of tables) {
    for (const format of ['parquet', 'csv'])
      await connection.run(`COPY ${table} TO ${sqlString(path.join(scratch, `${table}.${format}`))} (FORMAT ${format})`)
    const [[count] = []] = await (await connection.runAndReadAll(`SELECT count(*) FROM ${table}`)).getRows()
    rows += Number(count)
  }
  connection.closeSync()
  instance.closeSync()
  return rows
}
