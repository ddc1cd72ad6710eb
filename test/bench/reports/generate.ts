import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { sqlString } from '../../../lambdas/archive/duckdb.ts'
import { archiveColumns } from '../../../shared/archive-columns.ts'
import { eventTypes } from '../../../shared/catalogue.ts'

/** An archive of one event type. Its rows are spread evenly over the objects, and its event times over the days. */
export interface ArchivePlan {
  readonly type: 'reading' | 'app_action'
  readonly rows: number
  readonly objects: number
  /** Days of the events, from `START`. */
  readonly days: number
}

/** The first day of every generated archive. */
export const START = Date.UTC(2025, 10, 1)
export const DAY_MS = 86_400_000
/** Each row at such a place repeats the event of the row before. */
const REPEAT_EVERY = 100

/** Columns as SQL of `event`, the number of the event, and `t`, its time in microseconds since 1970. */
const fields: Readonly<Record<ArchivePlan['type'], Readonly<Record<string, string>>>> = {
  reading: {
    subject: "'device-' || hash(event) % 1000",
    reading_device_id: "'device-' || hash(event) % 1000",
    reading_device_type: "'type-' || hash(event) % 5",
    reading_timestamp: 't / 1e6',
    reading_temperature: '20.0 + hash(event + 1) % 100 / 10',
    reading_event_duration: '10 + hash(event + 2) % 100000 / 5000.0 + CASE WHEN hash(event + 3) % 500 = 0 THEN 500 ELSE 0 END',
    reading_status: "'ok'",
  },
  app_action: {
    subject: 'CAST(hash(event) % 100000 AS VARCHAR)',
    app_action_user_id: 'CAST(hash(event) % 100000 AS BIGINT)',
    app_action_app_name: "'product_' || hash(event + 1) % 5",
    app_action_event_action: "'action_' || hash(event + 2) % 20",
    app_action_event_category: "'category_' || hash(event + 3) % 8",
    app_action_event_value: 'CAST(hash(event + 4) % 100 AS BIGINT)',
  },
}

const sqlTypes = { string: 'VARCHAR', bigint: 'BIGINT', double: 'DOUBLE', boolean: 'BOOLEAN' }

/** Every column of the archive, as Firehose writes them: those of other event types are null. */
function columnsOf({ type, rows, days }: ArchivePlan): string {
  const start = START * 1000
  const t = `(${start} + event * ${days * DAY_MS * 1000} // ${rows})`
  const values: Record<string, string> = {
    event_id: "'e-' || md5(CAST(event AS VARCHAR))",
    event_type: sqlString(type),
    source: "'bench'",
    key_id: "'k1'",
    event_time_us: t,
    received_time_us: `${start} + n * ${days * DAY_MS * 1000} // ${rows} + 500000`,
    ...fields[type],
  }
  const columns = archiveColumns(eventTypes).map(
    column => `CAST(${values[column.name]?.replaceAll(/\bt\b/g, t) ?? 'NULL'} AS ${sqlTypes[column.type]}) AS ${column.name}`,
  )
  return columns.join(', ')
}

/** The key of an object: raw, below the day and hour in which its last row arrived. */
function keyOf({ objects, days }: ArchivePlan, object: number): string {
  const arrived = new Date(START + ((object + 1) * days * DAY_MS) / objects - 1).toISOString()
  return `events/dt=${arrived.slice(0, 10)}/hour=${arrived.slice(11, 13)}/${String(object).padStart(6, '0')}.parquet`
}

/** Writes an archive below the folder, unless it is there. Returns its folder. */
export async function generate(parent: string, plan: ArchivePlan): Promise<string> {
  const folder = path.join(parent, `${plan.type}-${plan.rows}-rows-${plan.objects}-objects-${plan.days}-days`)
  if (existsSync(folder)) return folder
  const unfinished = `${folder}-unfinished`
  await rm(unfinished, { recursive: true, force: true })
  const instance = await DuckDBInstance.create(':memory:', { memory_limit: '2GiB', threads: '2' })
  const connection = await instance.connect()
  for (let object = 0; object < plan.objects; object++)
    await writeObject(connection, plan, object, path.join(unfinished, keyOf(plan, object)))
  connection.closeSync()
  instance.closeSync()
  await rename(unfinished, folder)
  return folder
}

async function writeObject(connection: DuckDBConnection, plan: ArchivePlan, object: number, file: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true })
  const first = Math.floor((object * plan.rows) / plan.objects)
  const end = Math.floor(((object + 1) * plan.rows) / plan.objects)
  await connection.run(`COPY (
    SELECT ${columnsOf(plan)}
    FROM (SELECT n, n - CAST(n % ${REPEAT_EVERY} = ${REPEAT_EVERY - 1} AS BIGINT) AS event FROM range(${first}, ${end}) numbers(n))
  ) TO ${sqlString(file)} (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 122880)`)
}
