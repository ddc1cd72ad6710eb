import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { DuckDBInstance, type DuckDBResult } from '@duckdb/node-api'
import { sqlString } from '../../lambdas/archive/duckdb.ts'
import type { EventType } from '../../shared/event-type.ts'
import { UserError } from '../../shared/user-error.ts'
import type { SyntaxNode } from './plan-query.ts'
import { problemOf, sqlError } from './sql-error.ts'
import { createViews, DROP_REPETITIONS, dayFolder, mergeFiles, NO_ROWS, writeNoRows } from './views.ts'

/** What a query may use. */
export interface QueryLimits {
  readonly memoryMebibytes: number
  /** On disk, beside the objects. */
  readonly spillMebibytes: number
}

export type ClosedEngine = Awaited<ReturnType<typeof openClosedEngine>>

/**
 * A DuckDB for the SQL of a person, with the views over the objects in a folder of its own. Nothing that runs in it reaches anything
 * else: no other file, no network, no extension, no setting. The objects may come later.
 */
export async function openClosedEngine(folder: string, eventTypes: readonly EventType[], limits: QueryLimits) {
  const objects = path.join(folder, 'objects')
  await mkdir(path.dirname(path.join(objects, NO_ROWS)), { recursive: true })
  const instance = await DuckDBInstance.create(':memory:', settings(folder, limits))
  const connection = await instance.connect()
  await connection.run(writeNoRows(path.join(objects, NO_ROWS), eventTypes))
  await connection.run(createViews(objects, eventTypes))
  await connection.run(close(objects))

  return {
    /** Where an object of a day belongs. `place` is its place in the order of arrival. */
    fileOf: (dt: string, place: number): string => path.join(objects, dayFolder(dt), `${String(place).padStart(8, '0')}.parquet`),

    /** The syntax tree of a query, which is not run. Throws a UserError if it is not one SELECT. */
    async parse(sql: string): Promise<SyntaxNode> {
      const statement = await connection.prepare('SELECT json_serialize_sql($1::VARCHAR) AS tree')
      statement.bindVarchar(1, sql)
      const [row] = (await statement.runAndReadAll()).getRowObjects()
      statement.destroySync()
      return onlyStatement(JSON.parse(String(row?.['tree'])), sql)
    },

    /** Checks the names and types in a query, without reading anything. Throws a UserError. */
    async check(sql: string): Promise<void> {
      const statement = await throwing(sql, () => connection.prepare(sql))
      const { parameterCount } = statement
      statement.destroySync()
      if (parameterCount > 0) throw new UserError('The query has parameters, such as ? or $1. Write their values into it.')
    },

    /** Makes one file of many small objects, in their order: DuckDB needs about 2 ms for each file that a query reads. */
    async merge(files: readonly string[], file: string): Promise<void> {
      await throwing(undefined, () => connection.run(mergeFiles(files, file, eventTypes)))
    },

    /** Runs a query over the objects that are there now. */
    async run(sql: string): Promise<DuckDBResult> {
      await throwing(undefined, () => connection.run(DROP_REPETITIONS))
      return throwing(sql, () => connection.stream(sql))
    },

    close(): void {
      connection.closeSync()
      instance.closeSync()
    },
  }
}

const settings = (folder: string, { memoryMebibytes, spillMebibytes }: QueryLimits): Record<string, string> => ({
  memory_limit: `${memoryMebibytes}MiB`,
  temp_directory: path.join(folder, 'spill'),
  max_temp_directory_size: `${spillMebibytes}MiB`,
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
  allow_community_extensions: 'false',
  // Nothing is read often, and a cached file needs a quarter of a megabyte.
  enable_external_file_cache: 'false',
})

/** Times are in UTC, and errors have a position. From here on, only the objects can be read, and no setting can be changed. */
const close = (objects: string): string => `SET TimeZone = 'UTC';
SET errors_as_json = true;
SET allowed_directories = [${sqlString(`${objects}/`)}];
SET enable_external_access = false;
SET lock_configuration = true;`

interface SerialisedSql {
  readonly statements?: readonly SyntaxNode[]
  readonly error_type?: string
  readonly error_message?: string
  readonly position?: string
}

const ONE_SELECT =
  'Give one SELECT, which may begin with WITH or FROM, or DESCRIBE or SUMMARIZE. Nothing else can run: a query only reads the archive.'

function onlyStatement({ statements, error_type, error_message = '', position }: SerialisedSql, sql: string): SyntaxNode {
  if (error_type === 'not implemented' && /only select/i.test(error_message)) throw new UserError(ONE_SELECT)
  if (!statements)
    throw problemOf(
      { exception_message: error_message, ...(error_type && { exception_type: error_type }), ...(position && { position }) },
      sql,
    )
  const [statement, ...others] = statements
  if (!statement || others.length > 0) throw new UserError(`These are ${statements.length} statements. ${ONE_SELECT}`)
  return statement
}

async function throwing<T>(sql: string | undefined, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw sqlError(error, sql)
  }
}
