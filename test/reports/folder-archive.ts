import { copyFile, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { asyncBufferFromFile, parquetMetadataAsync } from 'hyparquet'
import type { Archive, StoredObject } from '../../lambdas/reports/s3.ts'
import { archiveColumns } from '../../shared/archive-columns.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import type { Event } from '../../shared/event.ts'
import { toLine } from '../../shared/stream-record.ts'
import { millisToMicros, secondsToMicros } from '../../shared/time.ts'

/** A bucket in a folder; it notes which objects were downloaded. */
export function folderArchive(folder: string): Archive & { readonly downloads: string[] } {
  const at = (key: string): string => path.join(folder, key)
  const downloads: string[] = []
  return {
    downloads,
    async list(prefix) {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true })
      const files = entries.filter(entry => entry.isFile()).map(entry => path.join(entry.parentPath, entry.name))
      const objects = await Promise.all(
        files.map(async (file): Promise<StoredObject> => {
          const { size, mtimeMs } = await stat(file)
          return { key: path.relative(folder, file), size, modified: mtimeMs }
        }),
      )
      return objects.filter(({ key }) => key.startsWith(prefix)).toSorted((a, b) => (a.key < b.key ? -1 : 1))
    },
    footer: async ({ key }) => parquetMetadataAsync(await asyncBufferFromFile(at(key))),
    open: async key => ((await stat(at(key)).catch(() => undefined)) ? asyncBufferFromFile(at(key)) : undefined),
    async download(key, file) {
      downloads.push(key)
      await copyFile(at(key), file)
    },
    async upload(file, key) {
      await mkdir(path.dirname(at(key)), { recursive: true })
      await copyFile(file, at(key))
    },
    async remove(keys) {
      await Promise.all(keys.map(key => rm(at(key))))
    },
    async probe() {},
  }
}

/** A reading in few words; what is left out is unremarkable. */
export interface Row {
  readonly event_id?: string
  readonly source?: string
  /** Epoch milliseconds of arrival. */
  readonly received?: number
  readonly device_id?: string
  readonly device_type?: string | null
  readonly timestamp: number
  readonly event_duration: number | null
}

export const eventOf = (row: Row, at: number): Event => {
  const { event_id = `e${at}`, source = 'test', received = 1_764_000_000_000, ...data } = row
  const time = secondsToMicros(row.timestamp) ?? millisToMicros(received)
  const fields = { device_id: 'd1', device_type: 'thermo', temperature: 20, status: 'ok', ...data }
  return { id: event_id, source, type: 'reading', subject: fields.device_id, time, received, data: fields }
}

/** Writes readings as one archive object. `without` leaves columns out, as before they were catalogued. */
export const archiveRows = (folder: string, key: string, rows: readonly Row[], without: readonly string[] = []): Promise<void> =>
  archiveEvents(folder, key, rows.map(eventOf), without)

/** Writes one archive object as Firehose does: lines to Parquet. */
export async function archiveEvents(
  folder: string,
  key: string,
  events: readonly Event[],
  without: readonly string[] = [],
): Promise<void> {
  const lines = events.map(event =>
    toLine(
      event,
      eventTypes.find(({ name }) => name === event.type),
    ),
  )
  await mkdir(path.dirname(path.join(folder, key)), { recursive: true })
  await writeFile(path.join(folder, 'lines.json'), lines.join('\n'))
  const types = { string: 'VARCHAR', bigint: 'BIGINT', double: 'DOUBLE', boolean: 'BOOLEAN' }
  const columns = archiveColumns(eventTypes).filter(({ name }) => !without.includes(name))
  const struct = columns.map(({ name, type }) => `'${name}': '${types[type]}'`).join(', ')
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await connection.run(
    `COPY (FROM read_json('${folder}/lines.json', format = 'newline_delimited', columns = {${struct}})) TO '${path.join(folder, key)}' (FORMAT parquet)`,
  )
  connection.closeSync()
  instance.closeSync()
  await rm(path.join(folder, 'lines.json'))
}
