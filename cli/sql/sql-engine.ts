import type { DuckDBValue } from '@duckdb/node-api'
import type { ArrivalDays } from '../../lambdas/archive/list-events.ts'

export interface Question {
  readonly sql: string
  /** The days of arrival that may be read, beside those that the query itself allows. */
  readonly days: ArrivalDays
  /** Whether all days may be read if nothing bounds them. */
  readonly all: boolean
}

/** The result of a query. Values are those of DuckDB, whichever engine computed them. */
export interface SqlRows {
  /** The names of the columns, each once. */
  readonly names: readonly string[]
  /** The rows, some at a time. It can be read once. */
  batches(): AsyncIterable<readonly (readonly DuckDBValue[])[]>
}

export type PrintRows = (rows: SqlRows) => Promise<void>
