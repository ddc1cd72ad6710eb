import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { parquetMetadata } from 'hyparquet'
import type { Archive, StoredObject } from '../../lambdas/reports/s3.ts'
import { archiveColumns, toLine } from '../../shared/archive.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import type { Event } from '../../shared/event.ts'
import { reading } from '../../shared/events/reading.ts'
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
    footer: async ({ key }) => parquetMetadata(await readFile(at(key))),
    async read(key) {
      const bytes = await readFile(at(key)).catch(() => undefined)
      return bytes && new Uint8Array(bytes).buffer
    },
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

/** Writes one archive object as Firehose does: lines to Parquet. `without` leaves columns out, as before they were catalogued. */
export async function archiveRows(
  folder: string,
  key: string,
  rows: readonly Row[],
  without: readonly string[] = [],
): Promise<void> {
  const lines = rows.map((row, at) => toLine(eventOf(row, at), reading as never))
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
