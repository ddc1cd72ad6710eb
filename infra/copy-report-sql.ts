import { copyFileSync, existsSync, mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { reports, reportsFolder } from '../shared/catalogue.ts'
import { sqlFile } from '../shared/report.ts'

// Copies the SQL of every report of the catalogue into a bundle, to where `reportsFolder` is in a bundle.
const [, , bundle = '.'] = process.argv
const folder = join(bundle, basename(reportsFolder))
mkdirSync(folder, { recursive: true })
for (const report of reports)
  for (const file of [sqlFile(report, 'duckdb'), sqlFile(report, 'athena')])
    if (existsSync(join(reportsFolder, file))) copyFileSync(join(reportsFolder, file), join(folder, file))
