import type { AthenaClient, QueryExecution } from '@aws-sdk/client-athena'
import { resultPages, runQuery } from '../../lambdas/archive/athena.ts'
import { type Archive, listEvents } from '../../lambdas/archive/list-events.ts'
import { listTables } from '../../lambdas/archive/list-tables.ts'
import type { EventType } from '../../shared/event-type.ts'
import { UserError } from '../../shared/user-error.ts'
import { sizeText } from '../sizes.ts'
import { visible } from '../visible.ts'
import { athenaError, notStarted } from './athena-error.ts'
import { duckValueOf, namesOf } from './athena-values.ts'
import { athenaViews, withViews } from './athena-views.ts'
import { amountOf, withFirstArrivals } from './fetch-objects.ts'
import type { PrintRows, Query, SqlRows } from './sql-engine.ts'
import { readSelect } from './trino-select.ts'
import { EVENTS } from './views.ts'

/** Where the queries of a stage run. */
export interface AthenaStage {
  readonly client: AthenaClient
  readonly workgroup: string
  readonly database: string
  readonly archive: Archive
  readonly pollMs?: number
}

export interface AthenaDependencies {
  readonly eventTypes: readonly EventType[]
  /** Called when the query may run. */
  stage(): Promise<AthenaStage>
  /** When it is aborted, the query is stopped, and an error thrown. */
  readonly signal: AbortSignal
  readonly stderr?: NodeJS.WriteStream
}

/**
 * Runs a query over the events in the archive in Athena: checks it, puts the views before it, waits until it has ended, and passes its
 * result to `print`. Throws a UserError if the query is wrong, or reads all days and does not say so.
 */
export async function queryAthena(
  { sql, days, all }: Query,
  { eventTypes, stage, signal, stderr = process.stderr }: AthenaDependencies,
  print: PrintRows,
): Promise<void> {
  const select = readSelect(sql, athenaViews(eventTypes))
  const { client, workgroup, database, archive, ...others } = await stage()
  const types = eventTypes.map(({ name }) => name).filter(name => select.names.has(name.toLowerCase()))
  const readsAllTypes = select.names.has(EVENTS)
  const reads = readsAllTypes || types.length > 0
  const isBounded = days.from !== undefined || days.to !== undefined
  if (reads && !isBounded && !all) await refuseAllDays(archive, readsAllTypes ? undefined : new Set(types))
  const tables = reads ? await listTables(archive, Number.POSITIVE_INFINITY, days) : []
  const statement = withViews(select, eventTypes, { database, days: tables })
  signal.throwIfAborted()
  const progress = queryProgress(stderr)
  const ended = await runQuery(statement.text, { client, workgroup, ...others }, { signal, waiting: progress.at }).catch(
    error => {
      throw notStarted(error, statement)
    },
  )
  progress.done(ended.execution)
  signal.throwIfAborted()
  if (ended.state !== 'SUCCEEDED') throw athenaError(ended, statement)
  await print(await rowsOf(client, ended.id, signal))
}

/** Throws an error that says what a query of some event types, or of all, would read, unless there is nothing to read. */
async function refuseAllDays(archive: Archive, types: ReadonlySet<string> | undefined): Promise<void> {
  const objects = withFirstArrivals(await listEvents(archive), types)
  if (objects.length === 0) return
  throw new UserError(
    `The query reads all days: at most ${amountOf(objects)}, up to the scan limit of the stage. Bound them with --from and --to, or add --all. With Athena, a comparison in the query bounds nothing.`,
  )
}

async function rowsOf(client: AthenaClient, id: string, signal: AbortSignal): Promise<SqlRows> {
  const pages = resultPages(client, id)
  const first = await pages.next()
  const columns = first.done ? [] : first.value.columns
  const types = columns.map(({ Type = '' }) => Type)
  async function* batches() {
    for (let page = first; !page.done; page = await pages.next()) {
      signal.throwIfAborted()
      yield page.value.rows.map(row => row.map((text, at) => duckValueOf(text, types[at] ?? '')))
    }
  }
  return { columns: namesOf(columns).map((name, at) => ({ name, type: (types[at] ?? '').toUpperCase() })), batches }
}

const STATES: Readonly<Record<string, string>> = { QUEUED: 'waits for Athena', RUNNING: 'runs in Athena' }

/** Shows on a terminal what a query does, and at its end how much it read, which is what AWS bills. */
function queryProgress(stderr: NodeJS.WriteStream) {
  const started = Date.now()
  const seconds = (): string => `${Math.round((Date.now() - started) / 1000)} s`
  const read = ({ Statistics }: QueryExecution): string => `${sizeText(Statistics?.DataScannedInBytes ?? 0)} read`
  const clear = stderr.isTTY ? '\r\u001b[2K' : ''
  return {
    at(execution: QueryExecution): void {
      const state = STATES[execution.Status?.State ?? ''] ?? 'runs in Athena'
      if (stderr.isTTY) stderr.write(`${clear}${visible(`the query ${state}: ${seconds()}, ${read(execution)}`)}`)
    },
    done(execution: QueryExecution): void {
      stderr.write(`${clear}Athena: ${seconds()}, ${read(execution)}\n`)
    },
  }
}
