import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { type Command, Option } from 'commander'
import { archiveLedger } from '../lambdas/archive/dynamodb.ts'
import { archiveBucket } from '../lambdas/archive/s3.ts'
import { eventTypes } from '../shared/catalogue.ts'
import { NONE } from '../shared/environment.ts'
import { databaseName } from '../shared/outputs.ts'
import type { EngineName } from '../shared/report.ts'
import { UsageError, UserError } from '../shared/user-error.ts'
import { athenaOf, dynamodbOf, s3Of } from './clients.ts'
import { type CommonOptions, day, withCommonOptions } from './options.ts'
import { stoppable } from './signals.ts'
import type { AthenaStage } from './sql/athena.ts'
import type { PrintRows, Query } from './sql/sql-engine.ts'
import { findTarget, type Target } from './target.ts'
import { withTemporaryFolder } from './temporary-folder.ts'

interface SqlOptions extends CommonOptions {
  readonly file?: string
  readonly from?: string
  readonly to?: string
  readonly all?: boolean
  readonly csv?: boolean
  readonly engine: EngineName
}

export function sqlCommand(program: Command): void {
  withCommonOptions(program.command('sql'))
    .description('query all events in the archive with SQL (docs/sql.md)')
    .argument('[query]', 'one SELECT, in quotes; without it, the query is read from standard input')
    .option('--file <file>', 'read the query from this file')
    .option('--from <day>', 'read events that arrived on this UTC day, YYYY-MM-DD, or later', day)
    .option('--to <day>', 'read events that arrived on this UTC day or earlier', day)
    .option('--all', 'read all days, if neither an option nor the query bounds them')
    .addOption(
      new Option('--engine <engine>', 'what runs the query: DuckDB on this machine, or Athena for a stage that has it')
        .choices(['duckdb', 'athena'])
        .default('duckdb'),
    )
    .addOption(new Option('--csv', 'print all rows as CSV').conflicts('json'))
    .action(async (query: string | undefined, { file, from, to, all = false, csv, engine, ...common }: SqlOptions) => {
      const sql = await queryText(query, file)
      const { textsOf } = await import('./sql/print.ts')
      const days = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) }
      const format = csv ? 'csv' : common.json ? 'json' : 'table'
      await engines[engine]({ sql, days, all }, common.stage, rows => print(textsOf(rows, format, process.stdout.isTTY)))
    })
}

type RunQuery = (query: Query, stage: string | undefined, print: PrintRows) => Promise<void>

// The engines are imported when they are needed: DuckDB takes longer to load than most commands to run.
const engines: Readonly<Record<EngineName, RunQuery>> = {
  async duckdb(query, stage, printRows) {
    const { queryDuckDb } = await import('./sql/duckdb-query.ts')
    const archive = async () => archiveOf(await findTarget(stage))
    refuseWildcards(tmpdir())
    await withTemporaryFolder('sql', folder => queryDuckDb(query, { eventTypes, folder, archive }, printRows))
  },

  async athena(query, stage, printRows) {
    if (stage === undefined)
      throw new UsageError(
        'The local cloud has no Athena. Name a stage with --stage, or let DuckDB run the query: without --engine.',
      )
    const { queryAthena } = await import('./sql/athena.ts')
    await stoppable(signal => queryAthena(query, { eventTypes, stage: () => athenaStage(stage), signal }, printRows))
  },
}

function refuseWildcards(folder: string): void {
  if (/[*?[]/.test(folder))
    throw new UserError(`The temporary folder ${folder} has a wildcard of DuckDB in its name. Set TMPDIR to another one.`)
}

async function athenaStage(stage: string): Promise<AthenaStage> {
  const target = await findTarget(stage)
  const workgroup = target.outputs.AthenaWorkgroup
  if (workgroup !== NONE)
    return { client: athenaOf(target), workgroup, database: databaseName(stage), archive: archiveOf(target) }
  throw new UserError(
    `The stage ${stage} has no Athena. Set its reports.engine to 'athena' in infra/settings.ts and deploy, or let DuckDB run the query: without --engine.`,
  )
}

async function queryText(query: string | undefined, file: string | undefined): Promise<string> {
  if (query !== undefined && file !== undefined) throw new UsageError('Give a query or --file, not both.')
  if (file !== undefined)
    return readFile(file, 'utf8').catch(error => {
      throw new UserError(`${file} cannot be read (${error.code}). Check its name and its permissions.`)
    })
  if (query !== undefined && query !== '-') return query
  if (process.stdin.isTTY) throw new UsageError('Give a query, such as `millrace sql "DESCRIBE events"`.')
  return text(process.stdin)
}

function archiveOf(target: Target) {
  const { ArchiveBucket, LedgerTable } = target.outputs
  return { bucket: archiveBucket(ArchiveBucket, s3Of(target)), ledger: archiveLedger(LedgerTable, dynamodbOf(target)) }
}

/** Writes to standard output, at the pace of its reader. A reader such as `head` may end before all is written. */
async function print(texts: AsyncIterable<string>): Promise<void> {
  try {
    await pipeline(Readable.from(texts), process.stdout, { end: false })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
  }
}
