import { setTimeout as sleep } from 'node:timers/promises'
import {
  type AthenaClient,
  type ColumnInfo,
  GetQueryExecutionCommand,
  paginateGetQueryResults,
  type QueryExecution,
  type QueryExecutionState,
  StartQueryExecutionCommand,
  StopQueryExecutionCommand,
} from '@aws-sdk/client-athena'

/** Where queries run. The workgroup decides the engine, where results are stored, and how much a query may read. */
export interface Workgroup {
  readonly client: AthenaClient
  readonly workgroup: string
  /** Milliseconds between two looks at a query. */
  readonly pollMs?: number
}

/** A query that runs no longer. */
export interface EndedQuery {
  readonly id: string
  /** `STOPPED`: it had not ended when it was to be stopped. */
  readonly state: QueryExecutionState | 'STOPPED'
  /** Why Athena ended it. */
  readonly reason?: string | undefined
  readonly execution: QueryExecution
}

interface Waiting {
  /** When it is aborted, the query is stopped. */
  readonly signal: AbortSignal
  /** Called with each look at a query that has not ended. */
  waiting?(execution: QueryExecution): void
}

const POLL_MS = 1000

/** Starts a query and waits until it has ended. Throws if Athena does not start it. */
export async function runQuery(
  sql: string,
  { client, workgroup, pollMs = POLL_MS }: Workgroup,
  { signal, waiting }: Waiting,
): Promise<EndedQuery> {
  const { QueryExecutionId: id = '' } = await client.send(
    new StartQueryExecutionCommand({ QueryString: sql, WorkGroup: workgroup }),
  )
  for (;;) {
    const { QueryExecution: execution = {} } = await client.send(new GetQueryExecutionCommand({ QueryExecutionId: id }))
    const { State: state, StateChangeReason: reason } = execution.Status ?? {}
    if (state && state !== 'QUEUED' && state !== 'RUNNING') return { id, state, reason, execution }
    if (signal.aborted) {
      await client.send(new StopQueryExecutionCommand({ QueryExecutionId: id }))
      return { id, state: 'STOPPED', execution }
    }
    waiting?.(execution)
    await sleep(pollMs, undefined, { signal }).catch(() => undefined)
  }
}

export interface ResultPage {
  readonly columns: readonly ColumnInfo[]
  /** Texts in the order of the columns; null where a row has no value. */
  readonly rows: (string | null)[][]
}

/** The pages of the result of a SELECT, at least one. */
export async function* resultPages(client: AthenaClient, id: string): AsyncGenerator<ResultPage> {
  let isFirst = true
  for await (const { ResultSet } of paginateGetQueryResults({ client }, { QueryExecutionId: id })) {
    const rows = (ResultSet?.Rows ?? []).map(({ Data = [] }) => Data.map(({ VarCharValue }) => VarCharValue ?? null))
    // The first row of all has the names of the columns.
    yield { columns: ResultSet?.ResultSetMetadata?.ColumnInfo ?? [], rows: isFirst ? rows.slice(1) : rows }
    isFirst = false
  }
}
