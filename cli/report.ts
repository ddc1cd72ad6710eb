import { InvokeCommand } from '@aws-sdk/client-lambda'
import { type Command, Option } from 'commander'
import { type FileMetaData, parquetMetadataAsync } from 'hyparquet'
import { reports } from '../shared/catalogue.ts'
import { lambdaOf, s3Of } from './clients.ts'
import { Failure } from './failure.ts'
import { type Common, printJson, withCommonOptions } from './options.ts'
import { listObjects, rangeReader, readParquet } from './parquet.ts'
import { formatTable } from './table.ts'
import { findTarget, type Target } from './target.ts'

const SHOWN = 50

/** What a run published: one prefix, or one for each of its tables. */
export type ReportAnswer = { readonly rows: number } & (
  | { readonly prefix: string }
  | { readonly prefixes: Readonly<Record<string, string>> }
)

interface ReportOptions extends Common {
  readonly at?: string
  readonly date?: string
  readonly show?: boolean
}

export function reportCommand(program: Command): void {
  withCommonOptions(program.command('report'))
    .description('make a report now and wait for it; without a date: every day there is')
    .argument('<report>', reports.map(({ name }) => name).join(', '))
    .option('--date <day>', 'one UTC day, YYYY-MM-DD')
    .addOption(new Option('--at <instant>', 'as of this instant, RFC 3339').conflicts('date'))
    .option('--show', `print the first ${SHOWN} rows, their count and their columns`)
    .action(async (name: string, { stage, json, date, at, show }: ReportOptions) => {
      const target = await findTarget(stage)
      const answer = await runReport(target, { report: name, ...when(date, at) })
      if (json) return printJson(answer)
      console.log(`${answer.rows} rows in ${target.outputs.ArchiveBucket}: ${prefixesOf(answer).join(', ')}`)
      if (show) for (const prefix of prefixesOf(answer)) await showTable(target, prefix)
    })
}

const when = (date: string | undefined, at: string | undefined) => {
  if (date !== undefined) return { date }
  return at === undefined ? { all: true } : { at }
}

export const prefixesOf = (answer: ReportAnswer): string[] =>
  'prefixes' in answer ? Object.values(answer.prefixes) : [answer.prefix]

/** Calls the reports function and waits; throws a Failure with what it says went wrong. */
export async function runReport(target: Target, request: Readonly<Record<string, unknown>>): Promise<ReportAnswer> {
  const invocation = { FunctionName: target.outputs.ReportsFunction, Payload: Buffer.from(JSON.stringify(request)) }
  const { Payload, FunctionError } = await lambdaOf(target).send(new InvokeCommand(invocation))
  const answer = JSON.parse(Buffer.from(Payload ?? []).toString() || 'null')
  if (FunctionError) throw new Failure(`The report failed: ${answer?.errorMessage ?? FunctionError}`)
  return answer
}

/** The rows below a prefix, in the order they were published. */
export async function rowsBelow(target: Target, prefix: string): Promise<Record<string, unknown>[]> {
  const bucket = target.outputs.ArchiveBucket
  const objects = await listObjects(s3Of(target), bucket, prefix)
  const parts = await Promise.all(objects.map(object => readParquet(s3Of(target), bucket, object)))
  return parts.flat()
}

async function showTable(target: Target, prefix: string): Promise<void> {
  const s3 = s3Of(target)
  const bucket = target.outputs.ArchiveBucket
  const [first] = await listObjects(s3, bucket, prefix)
  if (!first) return
  const columns = columnsOf(await parquetMetadataAsync(rangeReader(s3, bucket, first)))
  const rows = await rowsBelow(target, prefix)
  const names = columns.map(({ name }) => name)
  console.log(`\n${formatTable(rows.slice(0, SHOWN), names)}\n${rows.length} rows\n\n${formatTable(columns, ['name', 'type'])}`)
}

const columnsOf = ({ schema }: FileMetaData): { name: string; type: string }[] =>
  schema.slice(1).map(({ name, type, converted_type, logical_type }) => ({
    name,
    type: logical_type?.type ?? converted_type ?? type ?? '',
  }))
