import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { partsPrefix, publishedPrefix, type Report, reportPrefix } from '../../shared/report.ts'
import { UserError } from '../../shared/user-error.ts'
import { s3Of } from '../clients.ts'
import { listObjects } from '../parquet.ts'
import type { Target } from '../target.ts'

const NEWLINE = 0x0a

/** The tables of a report that have a CSV, by the value of `--by`. A snapshot report has one table, without a name. */
export const tableNames = (report: Report): string[] => (report.kind === 'daily' ? report.tables.map(({ by }) => by) : [])

/**
 * Writes the CSV that a run published of one table to a file, in one piece. `prefix` is that of the run's Parquet objects. The file is
 * there when all of it is written. Throws a UserError if it cannot be written.
 */
export async function writeCsv(target: Target, report: Report, prefix: string, by: string, file: string): Promise<void> {
  const run = prefix.slice(reportPrefix(report.name).length).split('/')[0] ?? ''
  const csv = report.kind === 'daily' ? publishedPrefix(report.name, run, by, 'csv') : partsPrefix(report.name, run, 'csv')
  const written = `${file}.part`
  try {
    const handle = await open(written, 'w')
    await writeObjects(target, csv, handle).finally(() => handle.close())
    await rename(written, file)
  } catch (error) {
    await rm(written, { force: true }).catch(() => {})
    const { code, syscall } = error as NodeJS.ErrnoException
    throw syscall ? new UserError(`${file} cannot be written (${code}). Check the folder and its permissions.`) : error
  }
}

/** Each object has a header; only that of the first is kept. */
async function writeObjects(target: Target, prefix: string, handle: FileHandle): Promise<void> {
  const [s3, Bucket] = [s3Of(target), target.outputs.ArchiveBucket]
  for (const [at, { key }] of (await listObjects(s3, Bucket, prefix)).entries()) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: key }))
    const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array()
    await handle.write(at === 0 ? bytes : bytes.subarray(bytes.indexOf(NEWLINE) + 1))
  }
}
