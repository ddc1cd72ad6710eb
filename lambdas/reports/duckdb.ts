import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { DuckDBInstance, type DuckDBValue } from '@duckdb/node-api'
import type { Column, ColumnType } from '../../shared/archive-columns.ts'

import { SafeError } from '../../shared/safe-error.ts'

/**
 * Rows of one row group of a published Parquet: a page of an answer reads one group or two. A multiple of 2,048, DuckDB's vector.
 */
const ROWS_PER_GROUP = 16_384

/** The statements of a report's SQL by the names that `-- name:` gives them; asking for another throws. */
export function statementsOf(file: string, text: string): (name: string) => string {
  const parts = text.split(/^-- name: /m).slice(1)
  const named = new Map(parts.map(part => [part.slice(0, part.indexOf('\n')).trim(), part.slice(part.indexOf('\n') + 1)]))
  return name => {
    const statement = named.get(name)
    if (!statement) throw new SafeError(`${file} has no statement ${name}.`)
    return statement
  }
}

const sqlTypes: Record<ColumnType, string> = { string: 'VARCHAR', bigint: 'BIGINT', double: 'DOUBLE', boolean: 'BOOLEAN' }

const sqlString = (text: string): string => `'${text.replaceAll("'", "''")}'`

/**
 * The view `arrivals` of one archive object: the wanted columns, cast, those that its file does not have as nulls, and
 * `object` (its place in the archive) and `line` (the place in the file), which together are the order of arrival.
 */
export const arrivalsView = (file: string, object: number, wanted: readonly Column[], present: ReadonlySet<string>): string => {
  const columns = wanted.map(
    ({ name, type }) => `CAST(${present.has(name) ? `"${name}"` : 'NULL'} AS ${sqlTypes[type]}) AS "${name}"`,
  )
  return `CREATE OR REPLACE VIEW arrivals AS SELECT CAST(${object} AS INTEGER) AS object, file_row_number AS line, ${columns.join(', ')}
FROM read_parquet(${sqlString(file)}, file_row_number = true, hive_partitioning = false)`
}

export type Workspace = Awaited<ReturnType<typeof openWorkspace>>

/**
 * A DuckDB database in a folder of its own, so that what memory cannot hold goes to disk. `memoryMegabytes` bounds everything
 * but exact quantiles, which take about 13 bytes a row besides. Closing removes the folder.
 */
export async function openWorkspace(folder: string, memoryMegabytes: number) {
  await mkdir(folder, { recursive: true })
  const instance = await DuckDBInstance.create(path.join(folder, 'report.duckdb'), {
    memory_limit: `${memoryMegabytes}MiB`,
    temp_directory: path.join(folder, 'spill'),
    threads: '2',
    // The order of rows is given by ORDER BY alone; keeping another one costs memory.
    preserve_insertion_order: 'false',
    // The database is thrown away: it needs no extension of others and no log of its changes.
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  })
  const connection = await instance.connect()

  return {
    /** Where the report's files go meanwhile. */
    file: (name: string): string => path.join(folder, name),

    /** Runs one statement, or several without parameters; the rows of the last. */
    async run(sql: string, parameters?: Record<string, DuckDBValue>): Promise<Record<string, DuckDBValue>[]> {
      return (await connection.runAndReadAll(sql, parameters)).getRowObjects()
    },

    /** Writes the rows of a query to a file; how many there were. */
    async write(query: string, name: string, format: 'parquet' | 'csv'): Promise<number> {
      const options =
        format === 'csv' ? 'FORMAT csv, HEADER' : `FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE ${ROWS_PER_GROUP}`
      const [copied] = await this.run(`COPY (${query}) TO ${sqlString(path.join(folder, name))} (${options})`)
      return Number(copied?.['Count'])
    },

    async close(): Promise<void> {
      connection.closeSync()
      instance.closeSync()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
