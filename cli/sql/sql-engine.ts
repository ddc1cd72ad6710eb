import type { DuckDBValue } from '@duckdb/node-api'
import type { ArrivalDays } from '../../lambdas/archive/list-events.ts'

export interface Query {
  readonly sql: string
  /** The days of arrival that may be read, beside those that the query itself allows. */
  readonly days: ArrivalDays
  /** Whether all days may be read if nothing bounds them. */
  readonly all: boolean
}

interface SqlColumn {
  readonly name: string
  /** As the engine names it, in capitals, such as `VARCHAR`. */
  readonly type: string
}

/** The result of a query. Values are those of DuckDB, whichever engine computed them. */
export interface SqlRows {
  /** Each name occurs once. */
  readonly columns: readonly SqlColumn[]
  /** The rows, some at a time. It can be read once. */
  batches(): AsyncIterable<readonly (readonly DuckDBValue[])[]>
}

export type PrintRows = (rows: SqlRows) => Promise<void>
