import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { DuckDBInstance, type DuckDBValue } from '@duckdb/node-api'
import type { Column, ColumnType } from '../../shared/archive-columns.ts'
import { SafeError } from '../../shared/safe-error.ts'

/**
 * Rows in one row group of a published Parquet file. A page of the API reads one or two groups. A multiple of 2,048, the size of
 * DuckDB's vectors.
 */
const ROWS_PER_GROUP = 16_384

/** Returns the statements of a report's SQL by the names in its `-- name:` comments. An unknown name throws. */
export function statementsOf(file: string, text: string): (name: string) => string {
  const parts = text.split(/^-- name: /m).slice(1)
  const statements = new Map(parts.map(part => [part.slice(0, part.indexOf('\n')).trim(), part.slice(part.indexOf('\n') + 1)]))
  return name => {
    const statement = statements.get(name)
    if (!statement) throw new SafeError(`${file} has no statement ${name}.`)
    return statement
  }
}

const sqlTypes: Record<ColumnType, string> = { string: 'VARCHAR', bigint: 'BIGINT', double: 'DOUBLE', boolean: 'BOOLEAN' }

const sqlString = (text: string): string => `'${text.replaceAll("'", "''")}'`

/**
 * The statement that makes the view `arrivals` of one archive object. It casts the wanted columns; a column that the file does
 * not have is null. `object` (its place in the archive) and `line` (the row in the file) give the order of arrival.
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
 * Opens a DuckDB database in a new folder, so that DuckDB can spill to disk. `memoryMegabytes` limits everything except exact
 * quantiles, which need about 13 more bytes per row. Closing deletes the folder.
 */
export async function openWorkspace(folder: string, memoryMegabytes: number) {
  await mkdir(folder, { recursive: true })
  const instance = await DuckDBInstance.create(path.join(folder, 'report.duckdb'), settings(folder, memoryMegabytes))
  const connection = await instance.connect()

  return {
    /** The path of a file in the workspace. */
    file: (name: string): string => path.join(folder, name),

    /** Runs one statement, or several without parameters. Returns the rows of the last one. */
    async run(sql: string, parameters?: Record<string, DuckDBValue>): Promise<Record<string, DuckDBValue>[]> {
      return (await connection.runAndReadAll(sql, parameters)).getRowObjects()
    },

    /** Writes the rows of a query to a file. Returns the number of rows. */
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

const settings = (folder: string, memoryMegabytes: number): Record<string, string> => ({
  memory_limit: `${memoryMegabytes}MiB`,
  temp_directory: path.join(folder, 'spill'),
  threads: '2',
  // ORDER BY alone decides the order of rows. Preserving the insertion order would cost memory.
  preserve_insertion_order: 'false',
  // The reports need no DuckDB extension.
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
})
