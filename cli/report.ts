import { type Command, Option } from 'commander'
import { type FileMetaData, parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import { reports } from '../shared/catalogue.ts'
import type { Report } from '../shared/report.ts'
import { formatInstant } from '../shared/time.ts'
import { UsageError } from '../shared/user-error.ts'
import { s3Of } from './clients.ts'
import { invoke } from './invoke.ts'
import { type CommonOptions, day, instant, printJson, withCommonOptions } from './options.ts'
import { listObjects, rangeReader, readParquet } from './parquet.ts'
import { type Table, tablesOf, writeCsv } from './report/csv.ts'
import { formatTable } from './table.ts'
import { findTarget, type Target } from './target.ts'

const SHOWN = 50

/** What a run published: the prefix of its objects, or one prefix per table. */
export type ReportResult = { readonly rows: number } & (
  | { readonly prefix: string }
  | { readonly prefixes: Readonly<Record<string, string>> }
)

interface ReportOptions extends CommonOptions {
  readonly at?: string
  readonly date?: string
  readonly show?: boolean
  readonly csv?: string
  readonly by?: string
}

export function reportCommand(program: Command): void {
  withCommonOptions(program.command('report'))
    .description('run a report over all events now and wait for its result')
    .argument('<report>', reports.map(({ name }) => name).join(', '))
    .option('--date <day>', 'cover only this UTC day, YYYY-MM-DD', day)
    .addOption(
      new Option('--at <instant>', 'cover only events before this instant, RFC 3339').argParser(instant).conflicts('date'),
    )
    .option('--show', `print the first ${SHOWN} rows, their count and their columns`)
    .option('--csv <file>', 'write the rows to this file as CSV')
    .addOption(new Option('--by <table>', 'the table for --csv (default: the first)').choices(reports.flatMap(namesOf)))
    .action(async (name: string, { stage, json, date, at, show, csv, by }: ReportOptions) => {
      const report = reportNamed(name)
      const period = periodOf(report, date, at)
      const written = csv === undefined ? undefined : tableOf(report, by)
      const target = await findTarget(stage)
      const result = await runReport(target, { report: name, ...period })
      if (written && csv !== undefined) await writeCsv(target, written.report, prefixesOf(result)[0] ?? '', written.table, csv)
      if (json) return printJson(result)
      console.log(`${result.rows} rows in ${target.outputs.ArchiveBucket}: ${prefixesOf(result).join(', ')}`)
      if (written && csv !== undefined) console.log(csvWritten(csv, written))
      if (show) for (const prefix of prefixesOf(result)) await showTable(target, prefix)
    })
}

interface ReportTable {
  readonly report: Report
  readonly table: Table
}

const namesOf = (report: Report): string[] => tablesOf(report).flatMap(({ by }) => (by === '' ? [] : [by]))

function reportNamed(name: string): Report {
  const report = reports.find(each => each.name === name)
  if (report) return report
  throw new UsageError(`There is no report ${name}. The reports are ${reports.map(each => each.name).join(', ')}.`)
}

/** The table that `--by` names, or the first. Throws a UsageError if the table does not exist. */
function tableOf(report: Report, by: string | undefined): ReportTable {
  const table = tablesOf(report).find(each => by === undefined || each.by === by)
  if (table) return { report, table }
  const names = namesOf(report)
  throw new UsageError(
    `The report ${report.name} has no table ${by}. ${names.length > 0 ? `Its tables are ${names.join(', ')}.` : 'Omit --by.'}`,
  )
}

function csvWritten(file: string, { report, table: { by } }: ReportTable): string {
  const others = namesOf(report).filter(name => name !== by)
  return `${file}: the rows${by && ` by ${by}`} as CSV.${others.map(name => ` For those by ${name} add --by ${name}.`).join('')}`
}

function periodOf(report: Report, date: string | undefined, at: string | undefined) {
  if (date !== undefined && report.kind === 'snapshot')
    throw new UsageError(`The report ${report.name} is published as of an instant: use --at instead of --date.`)
  if (date !== undefined) return { date }
  if (at !== undefined) return { at }
  return report.kind === 'snapshot' ? {} : { all: true }
}

export const prefixesOf = (result: ReportResult): string[] =>
  'prefixes' in result ? Object.values(result.prefixes) : [result.prefix]

/** Invokes the reports function and waits for its result. Throws a UserError with the function's error message. */
export const runReport = async (target: Target, request: Readonly<Record<string, unknown>>): Promise<ReportResult> =>
  (await invoke(target, target.outputs.ReportsFunction, request)) as ReportResult

/** The rows of all objects with this prefix, in the order they were published. */
export async function rowsBelow(target: Target, prefix: string): Promise<Record<string, unknown>[]> {
  const bucket = target.outputs.ArchiveBucket
  const objects = await listObjects(s3Of(target), bucket, prefix)
  const parts = await Promise.all(objects.map(object => readParquet(s3Of(target), bucket, object)))
  return parts.flat()
}

/** Prints the first rows, the row count and the columns. Reads as few objects as needed; the count is in the Parquet footers. */
async function showTable(target: Target, prefix: string): Promise<void> {
  const s3 = s3Of(target)
  const bucket = target.outputs.ArchiveBucket
  const rows: Record<string, unknown>[] = []
  let columns: ReturnType<typeof columnsOf> = []
  let all = 0
  for (const object of await listObjects(s3, bucket, prefix)) {
    const file = rangeReader(s3, bucket, object)
    const metadata = await parquetMetadataAsync(file)
    columns = columnsOf(metadata)
    all += Number(metadata.num_rows)
    const rowEnd = Math.min(SHOWN - rows.length, Number(metadata.num_rows))
    if (rowEnd > 0) rows.push(...(await parquetReadObjects({ file, metadata, rowEnd, parsers })))
  }
  if (columns.length === 0) return
  const names = columns.map(({ name }) => name)
  console.log(`\n${formatTable(rows, names)}\n${all} rows\n\n${formatTable(columns, ['name', 'type'])}`)
}

/** Prints timestamps with microseconds, which a Date would round to milliseconds. */
const parsers = { timestampFromMicroseconds: (micros: bigint): string => formatInstant(micros) }

const columnsOf = ({ schema }: FileMetaData): { name: string; type: string }[] =>
  schema.slice(1).map(({ name, type, converted_type, logical_type }) => ({
    name,
    type: logical_type?.type ?? converted_type ?? type ?? '',
  }))
