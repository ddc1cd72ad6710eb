import { InvokeCommand } from '@aws-sdk/client-lambda'
import { type Command, Option } from 'commander'
import { type FileMetaData, parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import { reports } from '../shared/catalogue.ts'
import { formatInstant } from '../shared/time.ts'
import { UserError } from '../shared/user-error.ts'
import { lambdaOf, s3Of } from './clients.ts'
import { type CommonOptions, printJson, withCommonOptions } from './options.ts'
import { listObjects, rangeReader, readParquet } from './parquet.ts'
import { formatTable } from './table.ts'
import { findTarget, type Target } from './target.ts'

const SHOWN = 50

/** What a run published: one prefix, or one for each of its tables. */
export type ReportResult = { readonly rows: number } & (
  | { readonly prefix: string }
  | { readonly prefixes: Readonly<Record<string, string>> }
)

interface ReportOptions extends CommonOptions {
  readonly at?: string
  readonly date?: string
  readonly show?: boolean
}

export function reportCommand(program: Command): void {
  withCommonOptions(program.command('report'))
    .description('make a report now and wait for it; without a date or an instant: of all there is')
    .argument('<report>', reports.map(({ name }) => name).join(', '))
    .option('--date <day>', 'one UTC day, YYYY-MM-DD')
    .addOption(new Option('--at <instant>', 'as of this instant, RFC 3339').conflicts('date'))
    .option('--show', `print the first ${SHOWN} rows, their count and their columns`)
    .action(async (name: string, { stage, json, date, at, show }: ReportOptions) => {
      const target = await findTarget(stage)
      const answer = await runReport(target, { report: name, ...when(name, date, at) })
      if (json) return printJson(answer)
      console.log(`${answer.rows} rows in ${target.outputs.ArchiveBucket}: ${prefixesOf(answer).join(', ')}`)
      if (show) for (const prefix of prefixesOf(answer)) await showTable(target, prefix)
    })
}

function when(name: string, date: string | undefined, at: string | undefined) {
  if (date !== undefined) return { date }
  if (at !== undefined) return { at }
  return reports.find(report => report.name === name)?.kind === 'snapshot' ? {} : { all: true }
}

export const prefixesOf = (answer: ReportResult): string[] =>
  'prefixes' in answer ? Object.values(answer.prefixes) : [answer.prefix]

/** Calls the reports function and waits; throws a Failure with what it says went wrong. */
export async function runReport(target: Target, request: Readonly<Record<string, unknown>>): Promise<ReportResult> {
  const invocation = { FunctionName: target.outputs.ReportsFunction, Payload: Buffer.from(JSON.stringify(request)) }
  const { Payload, FunctionError } = await lambdaOf(target).send(new InvokeCommand(invocation))
  const answer = JSON.parse(Buffer.from(Payload ?? []).toString() || 'null')
  if (FunctionError) throw new UserError(`The report failed: ${answer?.errorMessage ?? FunctionError}`)
  return answer
}

/** The rows below a prefix, in the order they were published. */
export async function rowsBelow(target: Target, prefix: string): Promise<Record<string, unknown>[]> {
  const bucket = target.outputs.ArchiveBucket
  const objects = await listObjects(s3Of(target), bucket, prefix)
  const parts = await Promise.all(objects.map(object => readParquet(s3Of(target), bucket, object)))
  return parts.flat()
}

/** The first rows, read from as few objects as hold them; the count is in the footers. */
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

/** Instants with all their digits. */
const parsers = { timestampFromMicroseconds: (micros: bigint): string => formatInstant(micros) }

const columnsOf = ({ schema }: FileMetaData): { name: string; type: string }[] =>
  schema.slice(1).map(({ name, type, converted_type, logical_type }) => ({
    name,
    type: logical_type?.type ?? converted_type ?? type ?? '',
  }))
