import { copyFileSync, mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { reports, reportsFolder } from '../shared/catalogue.ts'

/** Copies the SQL of every report of the catalogue into a bundle, to where `reportsFolder` is in a bundle. */
export function copyReportSql(bundle: string): void {
  const folder = join(bundle, basename(reportsFolder))
  mkdirSync(folder, { recursive: true })
  for (const { name } of reports) copyFileSync(join(reportsFolder, `${name}.sql`), join(folder, `${name}.sql`))
}

if (process.argv[1] === import.meta.filename) copyReportSql(process.argv[2] ?? '.')
