import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { type DuckDBConnection, DuckDBInstance, type DuckDBValue } from '@duckdb/node-api'

/**
 * Rows in one row group of a published Parquet file. A page of the API reads one or two groups. A multiple of 2,048, the size of
 * DuckDB's vectors.
 */
const ROWS_PER_GROUP = 16_384

/** A text as an SQL literal. */
export const sqlString = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** A name as an SQL identifier. */
export const sqlName = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** DuckDB's share of the function's memory, in megabytes. The rest is for Node, downloads and exact quantiles. */
export const databaseMegabytes = (functionMegabytes: number): number => Math.max(256, Math.floor(functionMegabytes / 2))

/** The same for sorting whole rows of the archive, which takes up to 600 MB beyond DuckDB's limit. */
export const sortingMegabytes = (functionMegabytes: number): number => Math.max(256, Math.floor(functionMegabytes / 4))

export interface SqlColumn {
  readonly name: string
  readonly type: string
}

type SqlRow = Record<string, DuckDBValue>

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

    /** Runs statements. Each gets the parameters that it uses. Returns the rows of the last one. */
    run: (sql: string, parameters: Readonly<Record<string, DuckDBValue>> = {}): Promise<SqlRow[]> =>
      runStatements(connection, sql, parameters),

    /** The names and SQL types of the columns of a query. */
    async columns(query: string): Promise<SqlColumn[]> {
      const described = await runStatements(connection, `DESCRIBE ${query}`, {})
      return described.map(row => ({ name: String(row['column_name']), type: String(row['column_type']) }))
    },

    /** Writes the rows of a query to a file. Returns the number of rows. */
    async write(query: string, name: string, format: 'parquet' | 'csv'): Promise<number> {
      const options =
        format === 'csv' ? 'FORMAT csv, HEADER' : `FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE ${ROWS_PER_GROUP}`
      const [copied] = await runStatements(
        connection,
        `COPY (${query}) TO ${sqlString(path.join(folder, name))} (${options})`,
        {},
      )
      return Number(copied?.['Count'])
    },

    async close(): Promise<void> {
      connection.closeSync()
      instance.closeSync()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function runStatements(
  connection: DuckDBConnection,
  sql: string,
  parameters: Readonly<Record<string, DuckDBValue>>,
): Promise<SqlRow[]> {
  const statements = await connection.extractStatements(sql)
  let rows: SqlRow[] = []
  for (let at = 0; at < statements.count; at++) {
    const statement = await statements.prepare(at)
    try {
      const used = Array.from({ length: statement.parameterCount }, (_, index) => statement.parameterName(index + 1))
      statement.bind(Object.fromEntries(used.flatMap(name => (name in parameters ? [[name, parameters[name] ?? null]] : []))))
      rows = (await statement.runAndReadAll()).getRowObjects()
    } finally {
      statement.destroySync()
    }
  }
  return rows
}

const settings = (folder: string, memoryMegabytes: number): Record<string, string> => ({
  memory_limit: `${memoryMegabytes}MiB`,
  temp_directory: path.join(folder, 'spill'),
  threads: '2',
  // ORDER BY alone decides the order of rows. Preserving the insertion order would cost memory.
  preserve_insertion_order: 'false',
  // Every file is read once or twice, soon after it was written. A cache of its bytes would be another copy in memory.
  enable_external_file_cache: 'false',
  // The reports need no DuckDB extension.
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
})
