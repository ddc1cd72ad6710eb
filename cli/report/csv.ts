import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { partsPrefix, publishedPrefix, type Report, type ReportColumn, reportPrefix } from '../../shared/report.ts'
import { UserError } from '../../shared/user-error.ts'
import { s3Of } from '../clients.ts'
import { listObjects } from '../parquet.ts'
import type { Target } from '../target.ts'

const NEWLINE = 0x0a

/** A table of a report. That of a snapshot report has the name ''. */
export interface Table {
  readonly by: string
  readonly columns: readonly ReportColumn[]
}

export const tablesOf = (report: Report): readonly Table[] =>
  report.kind === 'daily' ? report.tables : [{ by: '', columns: report.columns }]

/**
 * Writes the CSV that a run published of one table to a file, in one piece. `prefix` is that of the run's Parquet objects. The file is
 * there when all of it is written. Throws a UserError if it cannot be written.
 */
export async function writeCsv(target: Target, report: Report, prefix: string, table: Table, file: string): Promise<void> {
  const run = prefix.slice(reportPrefix(report.name).length).split('/')[0] ?? ''
  const csv = report.kind === 'daily' ? publishedPrefix(report.name, run, table.by, 'csv') : partsPrefix(report.name, run, 'csv')
  const written = `${file}.part`
  try {
    const handle = await open(written, 'w')
    await writeObjects(target, csv, table.columns, handle).finally(() => handle.close())
    await rename(written, file)
  } catch (error) {
    await rm(written, { force: true }).catch(() => {})
    const { code, syscall } = error as NodeJS.ErrnoException
    throw syscall ? new UserError(`${file} cannot be written (${code}). Check the folder and its permissions.`) : error
  }
}

/** Each object has a header; only that of the first is kept. A run without rows may have no objects. */
async function writeObjects(target: Target, prefix: string, columns: readonly ReportColumn[], handle: FileHandle): Promise<void> {
  const [s3, Bucket] = [s3Of(target), target.outputs.ArchiveBucket]
  const objects = await listObjects(s3, Bucket, prefix)
  if (objects.length === 0) await handle.write(`${columns.map(({ name }) => name).join(',')}\n`)
  for (const [at, { key }] of objects.entries()) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: key }))
    const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array()
    await handle.write(at === 0 ? bytes : bytes.subarray(bytes.indexOf(NEWLINE) + 1))
  }
}
